#include "gossip/spread/record.h"

namespace picket::gossip {
namespace {

std::uint64_t number(AgentId agent) {
    return static_cast<std::uint64_t>(agent);
}
std::uint64_t number(CheckKey check) {
    return static_cast<std::uint64_t>(check);
}

struct KindOf {
    RecordKind operator()(const PresenceRecord&) const { return RecordKind::presence; }
    RecordKind operator()(const ReferenceRecord&) const { return RecordKind::reference; }
    RecordKind operator()(const VoteRecord&) const { return RecordKind::vote; }
    RecordKind operator()(const SuspicionRecord&) const { return RecordKind::suspicion; }
    RecordKind operator()(const VerdictRecord&) const { return RecordKind::verdict; }
    RecordKind operator()(const EvidenceRecord&) const { return RecordKind::evidence; }
    RecordKind operator()(const NoticeRecord&) const { return RecordKind::notice; }
};

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
        return {RecordKind::evidence, number(record.check), record.epoch};
    }
    RecordKey operator()(const NoticeRecord& record) const {
        return {RecordKind::notice, number(record.side), 0};
    }
};

}  // namespace

RecordKind kind_of(const Record& record) {
    return std::visit(KindOf{}, record);
}

RecordKey key_of(const Record& record) {
    return std::visit(KeyOf{}, record);
}

std::string_view to_text(RecordKind kind) {
    switch (kind) {
        case RecordKind::presence:
            return "presence";
        case RecordKind::reference:
            return "reference";
        case RecordKind::vote:
            return "vote";
        case RecordKind::suspicion:
            return "suspicion";
        case RecordKind::verdict:
            return "verdict";
        case RecordKind::evidence:
            return "evidence";
        case RecordKind::notice:
            return "notice";
    }
    return "unknown";
}

}  // namespace picket::gossip
