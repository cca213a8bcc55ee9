// The documents that are about the mesh: its members and its keys.

#include "agent/api/documents.h"
#include "agent/api/json_writer.h"

namespace picket::api {

std::string members_document(const std::vector<MemberView>& members) {
    JsonWriter json;
    json.begin_object();
    json.objects("members", members, [&](const MemberView& member) {
        json.field("name", member.name);
        json.field_or_null("address", member.address);
        json.field("zone", member.zone);
        json.field("state", member.state);
        json.field_or_null("since", member.since);
        json.field("incarnation", member.incarnation);
        json.flag("picket", member.picket);
        json.field_or_null("version", member.version);
        json.flag("fit", member.fit);
        json.field_or_null("unfit_reason", member.unfit_reason);
        json.key("checks");
        member.checks ? json.number(std::uint64_t{*member.checks}) : json.null();
    });
    json.end_object();
    return json.take_line();
}

std::string keys_document(const KeysView& view) {
    JsonWriter json;
    json.begin_object();
    json.field("operation", view.operation);
    json.field("asked", std::uint64_t{view.asked});
    json.field("confirmed", std::uint64_t{view.confirmed});
    json.objects("keys", view.keys, [&](const KeyView& key) {
        json.field("id", key.id);
        json.field("installed_on", std::uint64_t{key.installed_on});
        json.field("primary_on", std::uint64_t{key.primary_on});
    });
    json.objects("unconfirmed", view.unconfirmed, [&](const UnconfirmedView& silent) {
        json.field("agent", silent.agent);
        json.field("reason", silent.reason);
    });
    json.texts("foreign", view.foreign);
    json.end_object();
    return json.take_line();
}

std::string leave_document(const LeaveView& view) {
    JsonWriter json;
    json.begin_object();
    json.field("left", view.agent);
    json.end_object();
    return json.take_line();
}

std::string forget_document(const ForgetView& view) {
    JsonWriter json;
    json.begin_object();
    json.texts("forgotten", view.forgotten);
    json.end_object();
    return json.take_line();
}

}  // namespace picket::api
