// LZW as in Go's compress/lzw, least significant bit first, literals of 8 bits:
// the only compression memberlist knows.
//
// Codes 0 to 255 are bytes, 256 starts over, 257 ends the stream, and from 258 on
// each code names a string already seen. Codes are 9 bits wide at first and 12 at
// most. The output is Go's to the last bit.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "gossip/wire/fault.h"

namespace picket::gossip::wire {

// Appends the compressed form to `out`. Requires input that is not empty.
void lzw_compress(std::string_view input, std::string& out);

// Makes `out` the decompressed form; after a fault it holds anything. Input after
// the end of the stream is ignored. `out` grows only as far as the stream really
// reaches, and inflated_too_large stops it at `bytes_max`.
Decoded<void> lzw_decompress(std::string_view input, std::size_t bytes_max, std::string& out);

}  // namespace picket::gossip::wire
