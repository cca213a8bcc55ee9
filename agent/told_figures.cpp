#include "agent/told_figures.h"

#include <algorithm>
#include <array>
#include <string>

#include "agent/base/text.h"
#include "agent/told_reading.h"
#include "checks/amount.h"
#include "checks/definition_keys.h"
#include "checks/types/database.h"
#include "checks/types/disk.h"
#include "checks/types/file.h"
#include "checks/types/icmp.h"
#include "checks/types/load.h"
#include "checks/types/memory.h"
#include "checks/types/ntp.h"
#include "checks/types/process.h"

namespace picket {

namespace {

using checks::Amount;
using checks::Definition;

class Limits {
public:
    explicit Limits(ToldFigures& figures) : figures_(figures) {}

    void add(std::string_view key, Side side, const std::optional<double>& bound,
             std::optional<Told> figure) {
        if (bound) figures_.limits.push_back({key, side, *bound, figure});
    }
    void add(std::string_view key, Side side, const std::optional<Duration>& bound,
             std::optional<Told> seconds) {
        if (bound) figures_.limits.push_back({key, side, to_seconds(*bound), seconds});
    }
    void add(std::string_view key, Side side, const std::optional<std::uint32_t>& bound,
             std::optional<Told> figure) {
        if (bound) figures_.limits.push_back({key, side, static_cast<double>(*bound), figure});
    }
    void add(std::string_view key, Side side, const std::optional<Amount>& bound,
             const std::optional<Told>& bytes, const std::optional<Told>& percent) {
        if (!bound) return;
        figures_.limits.push_back({key, side, bound->value, bound->percent ? percent : bytes});
    }
    void was_broken() { figures_.limit_was_broken = true; }

private:
    ToldFigures& figures_;
};

using Figure = std::optional<Told>;

void read_disk(const checks::DiskQuery& query, std::string_view message, Limits& limits) {
    Figure free, free_percent, used, used_percent;
    ToldReading reading(message);
    reading.skip(printable_line(query.path, message.size()) + ": ");
    const ToldReading::Amounts told = reading.amounts();
    if (reading.next_is(" used, expected")) {
        used = told.bytes;
        used_percent = told.percent;
        free_percent = Told{100, 100} - told.percent;
    } else if (reading.next_is(" free")) {
        free = told.bytes;
        free_percent = told.percent;
        used_percent = Told{100, 100} - told.percent;
    }
    if (reading.next_is(" used, expected") || reading.next_is(" free, expected")) {
        limits.was_broken();
    }
    if (reading.next_is(" free of ")) {
        reading.skip(" free of ");
        const Told whole = reading.bytes();
        if (reading.ok()) used = whole - told.bytes;
    }
    limits.add("free_below", Side::at_least, query.free_below, free, free_percent);
    limits.add("used_above", Side::at_most, query.used_above, used, used_percent);
}

void read_memory(const checks::MemoryQuery& query, std::string_view message, Limits& limits) {
    Figure available, available_percent, swap, swap_percent;
    ToldReading reading(message);
    if (reading.next_is("swap: ")) {
        reading.skip("swap: ");
        const ToldReading::Amounts told = reading.amounts();
        if (reading.next_is(" used, expected")) {
            limits.was_broken();
            swap = told.bytes;
            swap_percent = told.percent;
        }
    } else {
        reading.skip("memory: ");
        const ToldReading::Amounts told = reading.amounts();
        if (reading.next_is(" available")) {
            available = told.bytes;
            available_percent = told.percent;
        }
        if (reading.next_is(" available, expected")) limits.was_broken();
        reading.skip_to(", swap ");
        const Told used = reading.bytes();
        reading.skip(" used of ");
        const Told whole = reading.bytes();
        if (reading.ok()) {
            swap = used;
            // Of no swap nothing is used.
            if (whole.least > 0) {
                swap_percent = Told{100 * std::max(used.least, 0.0) / whole.most,
                                    100 * used.most / whole.least};
            } else if (used.most <= 0.5) {
                swap_percent = Told{0, 0};
            }
        }
    }
    limits.add("available_below", Side::at_least, query.available_below, available,
               available_percent);
    limits.add("swap_used_above", Side::at_most, query.swap_used_above, swap, swap_percent);
}

void read_load(const checks::LoadQuery& query, std::string_view message, Limits& limits) {
    std::array<Figure, 3> averages{}, per_core{};
    ToldReading reading(message);
    if (reading.next_is("load ")) {
        reading.skip("load ");
        std::array<Told, 3> told{};
        for (Told& each : told) {
            each = reading.number();
            reading.skip(" ");
        }
        reading.skip("on ");
        const double cores = reading.count();
        for (std::size_t i = 0; i < told.size() && reading.ok() && cores > 0; ++i) {
            averages.at(i) = told.at(i);
            per_core.at(i) = told.at(i) * (1 / cores);
        }
    } else {
        constexpr std::array<std::string_view, 3> names{"load1 is ", "load5 is ", "load15 is "};
        for (std::size_t i = 0; i < names.size(); ++i) {
            if (!reading.next_is(names.at(i))) continue;
            reading.skip(names.at(i));
            const Told told = reading.number();
            if (reading.next_is(", expected at most ") || reading.next_is(" on ")) {
                limits.was_broken();
                averages.at(i) = told;
            }
            reading.skip(" on ");
            const double cores = reading.count();
            if (reading.ok() && cores > 0) per_core.at(i) = told * (1 / cores);
            break;
        }
    }
    const auto add = [&](std::string_view key, const std::vector<double>& bounds,
                         const std::array<Figure, 3>& figures) {
        for (std::size_t i = 0; i < figures.size(); ++i) {
            if (bounds.empty() || (bounds.size() > 1 && i >= bounds.size())) continue;
            const double bound = bounds.size() == 1 ? bounds[0] : bounds[i];
            limits.add(key, Side::at_most, std::optional<double>(bound), figures.at(i));
        }
    };
    add("above", query.above, averages);
    add("per_core_above", query.per_core_above, per_core);
}

void read_icmp(const checks::IcmpQuery& query, std::string_view message, Duration latency,
               Limits& limits) {
    Figure loss, least, mean, most;
    ToldReading reading(message);
    reading.skip("ping ");
    reading.skip_to(": ");
    const auto broken = [&](std::string_view words, Figure& figure) {
        if (!reading.next_is(words)) return;
        reading.skip(words);
        const Told told = reading.number() * 1e-3;
        if (!reading.next_is(" ms, expected at most ")) return;
        figure = told;
        limits.was_broken();
    };
    Figure jitter;
    broken("rtt min ", least);
    broken("rtt avg ", mean);
    broken("rtt max ", most);
    broken("jitter ", jitter);
    if (!least && !mean && !most && !jitter) {
        const double answered = reading.count();
        reading.skip(" of ");
        const double sent = reading.count();
        const bool told = reading.ok() && sent > 0 && answered > 0;
        const bool lost_too_many = told && reading.next_is(" packets answered within ") &&
                                   message.find(", expected to lose at most ") != message.npos;
        if (lost_too_many) limits.was_broken();
        if (told && (lost_too_many || reading.next_is(" answered, rtt "))) {
            const double percent = 100 * (sent - answered) / sent;
            loss = Told{percent, percent};
        }
        reading.skip(" answered, rtt ");
        const Told shortest = reading.number() * 1e-3;
        reading.skip("/");
        reading.number();
        reading.skip("/");
        const Told longest = reading.number() * 1e-3;
        if (reading.ok()) {
            least = shortest;
            mean = told_latency(latency);
            most = longest;
        }
    }
    limits.add("loss_above", Side::at_most, std::optional<double>(query.loss_above), loss);
    limits.add("rtt_min_above", Side::at_most, query.rtt_min_above, least);
    limits.add("rtt_avg_above", Side::at_most, query.rtt_avg_above, mean);
    limits.add("rtt_max_above", Side::at_most, query.rtt_max_above, most);
    limits.add("jitter_above", Side::at_most, query.jitter_above, jitter);
}

// "+0.4 ms" of an offset, without its sign.
Told offset_of(ToldReading& reading) {
    if (reading.next_is("-"))
        reading.skip("-");
    else
        reading.skip("+");
    return reading.spoken();
}

void read_ntp(const checks::NtpQuery& query, std::string_view message, Limits& limits) {
    Figure offset, stratum;
    ToldReading of_stratum(message);
    ToldReading of_offset(message);
    ToldReading passed(message);
    if (of_stratum.skip_to(" is of stratum ")) {
        const Told told = of_stratum.number();
        if (of_stratum.next_is(", expected at most ")) {
            stratum = told;
            limits.was_broken();
        }
    } else if (message.find(" from this host's clock, expected at most ") != message.npos &&
               of_offset.skip_to(" is ")) {
        const Told told = offset_of(of_offset);
        if (of_offset.ok()) {
            offset = told;
            limits.was_broken();
        }
    } else if (passed.skip_to(": offset ")) {
        const Told told = offset_of(passed);
        passed.skip(", stratum ");
        const double level = passed.count();
        if (passed.next_is(", delay ")) {
            offset = told;
            stratum = Told{level, level};
        }
    }
    limits.add("stratum_above", Side::at_most, std::optional<std::uint32_t>(query.stratum_above),
               stratum);
    limits.add("offset_above", Side::at_most, query.offset_above, offset);
}

void read_processes(const checks::ProcessQuery& query, std::string_view message, Limits& limits) {
    Figure count;
    ToldReading reading(message);
    const double found = reading.count();
    if (reading.next_is(" process")) {
        count = Told{found, found};
        if (message.find(", expected at ") != message.npos) limits.was_broken();
    }
    limits.add("count_min", Side::at_least, std::optional<std::uint32_t>(query.count_min), count);
    limits.add("count_max", Side::at_most, query.count_max, count);
}

void read_files(const checks::FileQuery& query, std::string_view message, Limits& limits) {
    Figure count, age, size;
    const std::string path = printable_line(query.path, message.size());
    ToldReading passed(message);
    ToldReading aged(message);
    ToldReading sized(message);
    ToldReading counted(message);
    if (passed.skip(path + ": ") && !passed.next_is("not there")) {
        ToldReading ahead = passed;
        const double found = ahead.count();
        const bool several = ahead.next_is(" files, ");
        if (several) passed = ahead;
        if (several) passed.skip(" files, ");
        const Told bytes = passed.bytes();
        passed.skip(", written ");
        const Told newest = passed.age();
        if (passed.next_is(" ago")) {
            count = several ? Told{found, found} : Told{1, 1};
            const bool one = !several || found == 1;
            if (one) size = bytes;
            if (one || query.age_of == checks::FileOfAge::newest) age = newest;
        }
    } else if (aged.skip_to_last(", was written ")) {
        const Told told = aged.age();
        if (aged.next_is(" ago, expected ")) {
            age = told;
            limits.was_broken();
        }
    } else if (sized.skip_to_last(" has ")) {
        const Told told = sized.bytes();
        if (sized.next_is(", expected at ")) {
            size = told;
            limits.was_broken();
        }
    } else {
        const double found = counted.count();
        if (counted.next_is(" file") && message.find(", expected at ") != message.npos) {
            count = Told{found, found};
            limits.was_broken();
        }
    }
    limits.add("older_than", Side::at_most, query.older_than, age);
    limits.add("newer_than", Side::at_least, query.newer_than, age);
    limits.add("size_above", Side::at_most, query.size_above, size, std::nullopt);
    limits.add("size_below", Side::at_least, query.size_below, size, std::nullopt);
    limits.add("count_min", Side::at_least, query.count_min, count);
    limits.add("count_max", Side::at_most, query.count_max, count);
}

void read_database(const checks::DatabaseQuery& query, std::string_view message, Limits& limits) {
    Figure value;
    ToldReading reading(message);
    if (reading.skip_to("query found \"")) {
        const double found = reading.count();
        const bool broken = reading.next_is("\", expected at ");
        if (reading.skip("\"") && (broken || reading.at_end())) value = Told{found, found};
        if (broken) limits.was_broken();
    }
    limits.add("value_below", Side::at_least, query.value_below, value);
    limits.add("value_above", Side::at_most, query.value_above, value);
}

// Limits of figures that are in no message, or only in that of a failure.
constexpr std::array<std::string_view, 24> never_told{
    "inodes_below",      "pressure_above",     "io_pressure_above",  "root_dispersion_above",
    "age_below",         "age_above",          "rss_above",          "certificate_days",
    "chain_days",        "resolve_latency",    "connect_latency",    "tls_latency",
    "transfer_latency",  "first_byte_latency", "content_length_min", "content_length_max",
    "last_modified_age", "ttl_below",          "ttl_above",          "rows_min",
    "rows_max",          "lag_above",          "active_below",       "runtime_above"};

}  // namespace

bool ToldLimit::met() const {
    if (!figure) return false;
    return side == Side::at_least ? figure->least >= bound : figure->most <= bound;
}

bool ToldLimit::broken() const {
    if (!figure) return false;
    return side == Side::at_least ? figure->most < bound : figure->least > bound;
}

ToldFigures told_figures(const Definition& definition, std::string_view message, Duration latency) {
    using checks::Type;
    ToldFigures figures;
    Limits limits(figures);
    const checks::Query& query = definition.query;
    const Type type = definition.type();
    if (type == Type::disk) read_disk(query.as<checks::DiskQuery>(), message, limits);
    if (type == Type::memory) read_memory(query.as<checks::MemoryQuery>(), message, limits);
    if (type == Type::load) read_load(query.as<checks::LoadQuery>(), message, limits);
    if (type == Type::icmp) read_icmp(query.as<checks::IcmpQuery>(), message, latency, limits);
    if (type == Type::ntp) read_ntp(query.as<checks::NtpQuery>(), message, limits);
    if (type == Type::process) read_processes(query.as<checks::ProcessQuery>(), message, limits);
    if (type == Type::file) read_files(query.as<checks::FileQuery>(), message, limits);
    if (type == Type::mysql || type == Type::postgres) {
        read_database(checks::database_query(query), message, limits);
    }
    return figures;
}

Told told_latency(Duration stored) {
    const double seconds = to_seconds(stored);
    const double half = stored < std::chrono::microseconds(1024) ? 0 : seconds / 1024;
    return {seconds - half, seconds + half};
}

std::optional<Told> told_delay(std::string_view message) {
    for (const std::string_view words : {", delay ", "answered after "}) {
        ToldReading reading(message);
        if (!reading.skip_to(words)) continue;
        const Told told = reading.spoken();
        if (reading.ok()) return told;
    }
    return std::nullopt;
}

std::vector<std::string_view> untold_limits(const Definition& definition) {
    const Definition untouched = checks::default_definition(definition.type());
    std::vector<std::string_view> found;
    for (const checks::Key& key : checks::keys_of(definition.type())) {
        if (std::ranges::find(never_told, key.name) == never_told.end()) continue;
        if (write_key(key, definition) != write_key(key, untouched)) found.push_back(key.name);
    }
    return found;
}

}  // namespace picket
