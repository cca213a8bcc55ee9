// Records: what picket's agents tell each other beside membership, as values
// (agreement.md, 1.3).
//
// Of two records with one key one is the later, by a total order; the join of two is
// the later one. A maximum over a total order is commutative, associative and
// idempotent, so that agents which have seen the same records, in whatever order and
// however often, hold the same. Evidence of one version takes the least: the first by digest.
//
//   record      key                  order                            travels
//   Presence    agent                boot, seq, digest                gossip, anti-entropy
//   Reference   agent's name         boot, status, last seen, digest  anti-entropy; persisted
//   Vote        agent, check         boot, seq, digest                unicast to the panel
//   Suspicion   agent, check         boot, seq, digest                unicast to the panel
//   Verdict     check                era, epoch, sub, digest          as Evidence
//   Evidence    check, epoch, place  sub, then the least digest       gossip, anti-entropy;
//                                                                     persisted
//   Notice      side                 revision, digest                 gossip, anti-entropy
//
// Of each epoch the evidence of its first version is kept, and of those after it that of the
// last evidence_subs_max: so many places they share, by their number.
//
// The digest is of the canonical encoding (record_codec.h), so that also two records
// that claim the same version are ordered, and everywhere alike.
//
// Times between agents are ages; wall clocks are for people and decide nothing. Both
// travel in whole milliseconds. Texts are UTF-8 or not: whoever shows them makes a
// printable line of them. What is over a limit named here cannot be encoded, and is
// refused when it arrives; fit() (record_codec.h) shortens what may be long.

#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "agent/base/time.h"
#include "gossip/agreement/vote.h"
#include "gossip/spread/ids.h"

namespace picket::gossip {

constexpr std::uint32_t era_now = 1;

constexpr std::size_t agent_name_bytes_max = 255;  // As memberlist's.
constexpr std::size_t zone_bytes_max = 32;
constexpr std::size_t reason_bytes_max = 96;   // Why unfit, why discounted.
constexpr std::size_t message_bytes_max = 96;  // Of a vote.
constexpr std::size_t panel_max = 15;          // Witnesses, hence votes and zones.
constexpr std::size_t evidence_bytes_max = 1024;
constexpr std::size_t evidence_witnesses_max = 2 * panel_max;
constexpr std::uint32_t evidence_subs_max = 15;
constexpr std::size_t timeline_max = 32;
constexpr std::size_t notice_names_max = 32;
constexpr std::size_t labels_max = 32;
constexpr std::size_t label_bytes_max = 128;     // Of a key, and of a value.
constexpr std::size_t presence_bytes_max = 640;  // Half of a packet.
// Of every record, encoded with its three leading bytes.
constexpr std::size_t record_bytes_max = 8192;

// What kind of failure: the number of a checks::FailureClass. One that this version
// does not know is kept and told on as it is.
using FailureCode = std::uint8_t;

using Labels = std::vector<std::pair<std::string, std::string>>;  // Sorted by key.

// ---- What an agent says of itself

struct PresenceRecord {
    // Bits of `capabilities`; others are kept as they are.
    static constexpr std::uint32_t notifies = 1;  // Has a notifier configured.
    static constexpr std::uint32_t draining = 2;  // Takes no seat in a panel.

    AgentId agent{};
    Boot boot = 0;
    std::uint32_t seq = 0;
    BlobHash catalog{};  // None: it carries no mesh check.
    bool fit = false;
    std::string unfit_reason{};  // Empty where fit.
    std::uint32_t capabilities = 0;
    Labels labels{};  // Of the agent, for the checks' `from`.

    bool operator==(const PresenceRecord&) const = default;
};

// ---- Who counts in a roll call

enum class ReferenceStatus : std::uint8_t {
    present,    // Counts.
    left,       // By its own word.
    forgotten,  // By a roll call that passed without it, or by an operator.
};

struct ReferenceRecord {
    std::string name{};  // Never empty.
    Boot boot = 0;
    ReferenceStatus status = ReferenceStatus::present;
    std::uint32_t seen_hours = 0;  // Hours since 1970 when it was last known to be there.
    std::string zone{};

    bool operator==(const ReferenceRecord&) const = default;
};

// ---- What a witness says of a target

struct VoteRecord {
    AgentId agent{};
    CheckKey check{};
    Boot boot = 0;
    std::uint32_t seq = 0;
    Fingerprint fingerprint{};
    std::uint32_t era = era_now;
    std::uint32_t epoch = 0;  // The verdict's, when it was cast.
    Vote vote = Vote::abstain;
    FailureCode failure = 0;
    std::string message{};     // Of the failure, or why it abstains.
    std::uint32_t streak = 0;  // Votes of this kind in a row.
    Duration age{};            // Since its first attempt began, when sent.
    std::uint32_t round = 0;   // 0: a scheduled one.

    bool operator==(const VoteRecord&) const = default;
};

// Asks the panel to look: "I saw a change".
struct SuspicionRecord {
    enum class Direction : std::uint8_t { failing, recovering };

    AgentId agent{};
    CheckKey check{};
    Boot boot = 0;
    std::uint32_t seq = 0;
    Fingerprint fingerprint{};
    std::uint32_t era = era_now;
    std::uint32_t epoch = 0;
    Direction direction = Direction::failing;
    std::uint32_t round = 0;
    Duration age{};  // Since the attempt that raised it began, when sent.

    bool operator==(const SuspicionRecord&) const = default;
};

// ---- What the mesh holds of a check

// The total order of verdicts. Parity is the state: an odd epoch is a confirmed outage.
struct VerdictVersion {
    std::uint32_t era = 0;
    std::uint32_t epoch = 0;
    std::uint32_t sub = 0;
    std::uint64_t digest = 0;

    bool outage() const { return epoch % 2 == 1; }
    auto operator<=>(const VerdictVersion&) const = default;
};

enum class OutageScope : std::uint8_t {
    none,     // In every even epoch, and in no odd one.
    partial,  // Some counted vote was OK.
    total,
};

// How much stands behind a verdict.
enum class Backing : std::uint8_t {
    quorum,
    panel_of_one,  // "1/1, uncorroborated"
    one_of_two,    // "uncorroborated, 1 of 2": its only peer was declared dead.
};

struct VerdictRecord {
    CheckKey check{};
    std::uint32_t era = era_now;
    std::uint32_t epoch = 0;
    std::uint32_t sub = 0;
    OutageScope scope = OutageScope::none;
    Backing backing = Backing::quorum;
    std::vector<std::string> zones_failing{};  // Each sorted, without repeats, panel_max at most.
    std::vector<std::string> zones_passing{};
    FailureCode failure = 0;
    AgentId proposer{};
    // Display only. Of the latest outage; the epoch of the Unix clock where there is none.
    WallTime first_failure_at{};
    WallTime opened_at{};
    WallTime closed_at{};
    EvidenceHash evidence{};

    bool outage() const { return epoch % 2 == 1; }
    bool degraded() const { return !outage() && !zones_failing.empty(); }
    bool operator==(const VerdictRecord&) const = default;
};

// ---- Why the mesh holds it

// Which rule of agreement.md, 3.3, wrote the verdict.
enum class Rule : std::uint8_t { first, open, clear, rescope, degrade, restore };

enum class TimelineEvent : std::uint8_t {
    first_failure,  // Its first failed attempt began.
    suspected,      // It asked the panel to look.
    asked,          // Its first attempt of the round began.
    voted_ok,
    voted_fail,
    abstained,
    roll_call_begun,
    roll_call_passed,
    roll_call_failed,
    proposed,
};
constexpr std::size_t timeline_event_count = 10;

struct EvidenceRecord {
    // Everybody spoken of below; `witness` is an index into these.
    struct Witness {
        std::string name{};
        std::string zone{};
        bool operator==(const Witness&) const = default;
    };
    struct Cast {
        std::uint8_t witness = 0;
        Vote vote = Vote::abstain;
        FailureCode failure = 0;
        std::string message{};
        Duration age{};  // When the verdict was written.
        bool operator==(const Cast&) const = default;
    };
    struct Discount {
        std::uint8_t witness = 0;
        std::string reason{};
        bool operator==(const Discount&) const = default;
    };
    struct RollCall {
        std::uint32_t asked = 0;  // Counts include whoever asks.
        std::uint32_t answered = 0;
        std::uint32_t needed = 0;
        bool operator==(const RollCall&) const = default;
    };
    struct Moment {
        Duration at{};  // Since `begins_at`.
        std::uint8_t witness = 0;
        TimelineEvent event = TimelineEvent::first_failure;
        bool operator==(const Moment&) const = default;
    };

    CheckKey check{};
    std::uint32_t era = era_now;
    std::uint32_t epoch = 0;
    std::uint32_t sub = 0;
    Rule rule = Rule::open;
    std::uint8_t panel = 0;   // k
    std::uint8_t quorum = 0;  // q
    WallTime begins_at{};     // Of the timeline: the first failed, or passed, attempt.
    std::vector<Witness> witnesses{};
    std::vector<Cast> votes{};  // panel_max at most.
    std::vector<Discount> discounted{};
    RollCall roll_call{};
    std::vector<Moment> timeline{};

    bool operator==(const EvidenceRecord&) const = default;
};

// ---- What a side that lost the others says

struct NoticeRecord {
    AgentId side{};  // The least id among those that answer each other.
    std::uint32_t revision = 0;
    bool over = false;        // The roll call passes again.
    std::uint32_t known = 0;  // The reference, and who of it answers.
    std::uint32_t answering = 0;
    std::uint32_t needed = 0;
    WallTime since{};
    WallTime at{};                       // When this revision was written; kept for a day.
    std::vector<std::string> missing{};  // Names, sorted; notice_names_max at most.
    std::vector<std::string> zones{};    // Of all that are missing; panel_max at most.

    bool operator==(const NoticeRecord&) const = default;
};

using Record = std::variant<PresenceRecord, ReferenceRecord, VoteRecord, SuspicionRecord,
                            VerdictRecord, EvidenceRecord, NoticeRecord>;

// ---- Keys

enum class RecordKind : std::uint8_t {
    presence = 0x01,
    reference = 0x02,
    vote = 0x03,
    suspicion = 0x04,
    verdict = 0x05,
    evidence = 0x06,
    notice = 0x07,
};

RecordKind kind_of(const Record& record);
std::string_view to_text(RecordKind kind);

// What a record speaks of: an agent, a check, a side; and of which version (Evidence), or
// by whom (Vote, Suspicion). Reference is keyed by the id of its name.
struct RecordKey {
    RecordKind kind = RecordKind::presence;
    std::uint64_t subject = 0;
    std::uint64_t part = 0;

    auto operator<=>(const RecordKey&) const = default;
};
RecordKey key_of(const Record& record);

// The part of the key of what is evidence for this version.
constexpr std::uint64_t evidence_part(std::uint32_t epoch, std::uint32_t sub) {
    const std::uint64_t place = sub == 0 ? 0 : 1 + (sub - 1) % evidence_subs_max;
    return place << 32 | epoch;
}

}  // namespace picket::gossip

template <>
struct std::hash<picket::gossip::RecordKey> {
    std::size_t operator()(const picket::gossip::RecordKey& key) const noexcept {
        // Subjects are digests already; parts are small or digests.
        return static_cast<std::size_t>(key.subject ^ key.part * 0x9e3779b97f4a7c15u ^
                                        static_cast<std::uint64_t>(key.kind) << 56);
    }
};
