// The documents that are about the mesh: its members and its keys.

#include "agent/api/documents.h"
#include "agent/api/json_writer.h"

namespace picket::api {

std::string members_document(const std::vector<MemberView>& members) {
    JsonWriter json;
    json.begin_object();
    json.key("members");
    json.begin_array();
    for (const MemberView& member : members) {
        json.begin_object();
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
        json.end_object();
    }
    json.end_array();
    json.end_object();
    return json.take_line();
}

std::string keys_document(const KeysView& view) {
    JsonWriter json;
    json.begin_object();
    json.field("operation", view.operation);
    json.field("asked", std::uint64_t{view.asked});
    json.field("confirmed", std::uint64_t{view.confirmed});
    json.key("keys");
    json.begin_array();
    for (const KeyView& key : view.keys) {
        json.begin_object();
        json.field("id", key.id);
        json.field("installed_on", std::uint64_t{key.installed_on});
        json.field("primary_on", std::uint64_t{key.primary_on});
        json.end_object();
    }
    json.end_array();
    json.key("unconfirmed");
    json.begin_array();
    for (const UnconfirmedView& silent : view.unconfirmed) {
        json.begin_object();
        json.field("agent", silent.agent);
        json.field("reason", silent.reason);
        json.end_object();
    }
    json.end_array();
    json.key("foreign");
    json.begin_array();
    for (const std::string& name : view.foreign) json.text(name);
    json.end_array();
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
    json.key("forgotten");
    json.begin_array();
    for (const std::string& name : view.forgotten) json.text(name);
    json.end_array();
    json.end_object();
    return json.take_line();
}

}  // namespace picket::api
