// What the kernel meant by an error number, as picket's messages spell it.

#pragma once

#include <string>

namespace picket {

// "no such file or directory" for ENOENT.
std::string errno_text(int error_number);

}  // namespace picket
