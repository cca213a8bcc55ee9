#include "gossip/spread/record.h"

namespace picket::gossip {
namespace {

struct KindOf {
    RecordKind operator()(const PresenceRecord&) const { return RecordKind::presence; }
    RecordKind operator()(const ReferenceRecord&) const { return RecordKind::reference; }
    RecordKind operator()(const VoteRecord&) const { return RecordKind::vote; }
    RecordKind operator()(const SuspicionRecord&) const { return RecordKind::suspicion; }
    RecordKind operator()(const VerdictRecord&) const { return RecordKind::verdict; }
    RecordKind operator()(const EvidenceRecord&) const { return RecordKind::evidence; }
    RecordKind operator()(const NoticeRecord&) const { return RecordKind::notice; }
};

}  // namespace

RecordKind kind_of(const Record& record) {
    return std::visit(KindOf{}, record);
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
