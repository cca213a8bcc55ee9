// Amount: a quantity that a person gives as it is or as a share of a whole:
// "10GiB" or "10%" of a disk, 5000 or "5%" of its inodes.

#pragma once

#include <cstdint>
#include <string>

namespace picket::checks {

struct Amount {
    double value = 0;
    bool percent = false;

    // What it comes to of a `whole`.
    double of(double whole) const { return percent ? whole * value / 100 : value; }

    bool operator==(const Amount&) const = default;
};

// As messages say it: "1.5 GiB", "512 B"; "97.3%".
std::string spoken_bytes(double bytes);
std::string spoken_percent(double percent);

}  // namespace picket::checks
