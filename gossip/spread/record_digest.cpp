// What of records needs digests: their keys, and which of two is the later. Apart from
// the rest, since the command line reads records without the library that makes digests.

#include "agent/base/assert.h"
#include "agent/base/digest.h"
#include "gossip/spread/record_codec.h"

namespace picket::gossip {
namespace {

std::uint64_t number(AgentId agent) {
    return static_cast<std::uint64_t>(agent);
}
std::uint64_t number(CheckKey check) {
    return static_cast<std::uint64_t>(check);
}

struct KeyOf {
    RecordKey operator()(const PresenceRecord& record) const {
        return {RecordKind::presence, number(record.agent), 0};
    }
    RecordKey operator()(const ReferenceRecord& record) const {
        return {RecordKind::reference, number(agent_id(record.name)), 0};
    }
    RecordKey operator()(const VoteRecord& record) const {
        return {RecordKind::vote, number(record.check), number(record.agent)};
    }
    RecordKey operator()(const SuspicionRecord& record) const {
        return {RecordKind::suspicion, number(record.check), number(record.agent)};
    }
    RecordKey operator()(const VerdictRecord& record) const {
        return {RecordKind::verdict, number(record.check), 0};
    }
    RecordKey operator()(const EvidenceRecord& record) const {
        return {RecordKind::evidence, number(record.check),
                evidence_part(record.epoch, record.sub)};
    }
    RecordKey operator()(const NoticeRecord& record) const {
        return {RecordKind::notice, number(record.side), 0};
    }
};

}  // namespace

RecordKey key_of(const Record& record) {
    return std::visit(KeyOf{}, record);
}

std::uint64_t digest_of_encoded(std::string_view payload) {
    return short_digest("record1", payload);
}

std::uint64_t digest(const Record& record) {
    return digest_of_encoded(encode(record));
}

Record join(const Record& a, const Record& b) {
    PICKET_ASSERT(key_of(a) == key_of(b));
    return precedence(a) < precedence(b) ? b : a;
}

VerdictVersion version_of(const VerdictRecord& verdict) {
    return {verdict.era, verdict.epoch, verdict.sub, digest(verdict)};
}

EvidenceHash hash_of(const EvidenceRecord& evidence) {
    return EvidenceHash{digest(evidence)};
}

}  // namespace picket::gossip
