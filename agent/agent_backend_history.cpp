// What the API asks of what is stored.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/agent.h"
#include "agent/agent_backend.h"
#include "agent/api/evidence.h"
#include "agent/api/explain.h"
#include "agent/api/history_answers.h"
#include "agent/api/outage_answers.h"
#include "agent/api/record_views.h"
#include "agent/council_view.h"
#include "agent/io/clock.h"
#include "agent/mesh_outages.h"

namespace picket {

using storage::HistoryReader;

api::OnlyWitness AgentBackend::only_witness() const {
    return {.agent = agent_.config_.name, .zone = agent_.config_.zone};
}

void AgentBackend::history(api::HistoryQuery query,
                           std::function<void(Result<api::HistoryView>)> done) {
    // A name that is not carried any more may still be stored.
    const CarriedCheck* check = agent_.checks_.find(query.check);
    const std::string stored_name = check == nullptr ? query.check : check->name;
    const bool carried = check != nullptr;
    const auto question = [query, stored_name,
                           carried](HistoryReader& reader) -> Result<api::HistoryView> {
        auto view = api::read_history(reader, stored_name, query);
        const bool not_yet = !view && carried && view.error().code() == Code::not_found;
        if (not_yet) return api::HistoryView{query.check, query.from, query.to, false, {}};
        return view;
    };
    questions_.ask<api::HistoryView>(question, std::move(done));
}

// Who is asked about by name, or everybody; and what is promised of each.
std::vector<AgentBackend::Promised> AgentBackend::promised(
    const api::AvailabilityQuery& query) const {
    std::vector<std::string> names = query.checks;
    if (names.empty()) {
        for (const auto& [name, check] : agent_.checks_.rows()) names.push_back(name);
        if (agent_.council_) {
            for (const auto& [name, key] : agent_.council_->subjects()) names.push_back(name);
        }
        std::ranges::sort(names);
        names.erase(std::ranges::unique(names).begin(), names.end());
    }
    std::vector<Promised> all;
    for (const std::string& name : names) {
        const CarriedCheck* check = agent_.checks_.find(name);
        Promised& promised = all.emplace_back();
        promised.name = check == nullptr ? name : check->name;
        promised.known = find(name).has_value();
        promised.slo = query.slo;
        const bool defined = check != nullptr && check->definition != nullptr;
        if (!promised.slo && defined) promised.slo = check->definition->slo;
    }
    return all;
}

void AgentBackend::availability(api::AvailabilityQuery query,
                                std::function<void(Result<api::AvailabilitiesView>)> done) {
    const auto question =
        [query, all = promised(query)](HistoryReader& reader) -> Result<api::AvailabilitiesView> {
        const HistoryReader::Hold hold =
            PICKET_TRY(all.size() > 1 ? reader.hold_all() : reader.hold());
        api::AvailabilitiesView view;
        for (const Promised& each : all) {
            api::AvailabilityQuery one = query;
            one.slo = each.slo;
            auto answer = api::read_availability(reader, each.name, one);
            const bool not_yet = !answer && each.known && answer.error().code() == Code::not_found;
            if (not_yet) {
                answer = api::never_observed(each.name, one);
            } else if (!answer) {
                return tl::make_unexpected(answer.error());
            }
            view.checks.push_back(*std::move(answer));
        }
        return view;
    };
    questions_.ask<api::AvailabilitiesView>(question, std::move(done));
}

void AgentBackend::outages(api::OutagesQuery query,
                           std::function<void(Result<api::OutagesView>)> done) {
    const auto question = [query](HistoryReader& reader) {
        return api::read_outages(reader, query);
    };
    questions_.ask<api::OutagesView>(question, std::move(done));
}

void AgentBackend::outage(std::string_view id,
                          std::function<void(Result<api::OutageDetailView>)> done) {
    const auto parsed = api::parse_outage_id(id);
    if (!parsed) {
        agent_.loop_.post([done = std::move(done), id = std::string(id)] {
            done(failure(Code::not_found,
                         fmt::format("'{}' is not the id of an outage, as homepage#7 is", id)));
        });
        return;
    }
    const CarriedCheck* check = agent_.checks_.find(parsed->check);
    const std::string name = check == nullptr ? parsed->check : check->name;
    const auto question = [name, epoch = parsed->epoch,
                           witness = only_witness()](HistoryReader& reader) {
        return api::read_outage(reader, name, epoch, witness);
    };
    questions_.ask<api::OutageDetailView>(question, std::move(done));
}

void AgentBackend::why(api::WhyQuery query, std::function<void(Result<api::WhyView>)> done) {
    const auto refuse = [&](Error error) {
        agent_.loop_.post([done = std::move(done), error = std::move(error)] {
            done(tl::make_unexpected(error));
        });
    };
    const auto subject = find(query.check);
    if (!subject) return refuse(no_such_check(query.check));
    api::WhyView view;
    view.check = check_view(*subject);
    if (const Status chosen = api::choose_version(view, query); !chosen) {
        return refuse(chosen.error());
    }
    view.witnesses = witnesses(*subject);
    if (subject->own != nullptr && subject->own->definition != nullptr) {
        view.fail_after = subject->own->definition->fail_after;
        view.recover_after = subject->own->definition->recover_after;
    }
    if (subject->meshed) add_mesh_evidence(view, *subject);
    const auto question = [view, name = subject->name, witness = only_witness()](
                              HistoryReader& reader) -> Result<api::WhyView> {
        api::WhyView whole = view;
        PICKET_TRY(api::add_stored(reader, name, witness, whole));
        return whole;
    };
    questions_.ask<api::WhyView>(question, [view, done = std::move(done)](auto answer) {
        // What the mesh holds is known without a database.
        done(!answer && view.evidence ? Result<api::WhyView>(view) : std::move(answer));
    });
}

void AgentBackend::add_mesh_evidence(api::WhyView& view, const Subject& subject) const {
    const Council& council = *agent_.council_;
    const gossip::CheckKey key = gossip::check_key(subject.name);
    view.notice = council.agreement().no_quorum_text();
    if (const auto held = council.agreement().view(io::monotonic_now(), key);
        held && held->closes_in && view.held) {
        view.closes_not_before = io::wall_now() + *held->closes_in;
    }
    const auto outage = latest_outage_view(council.spread(), subject.name);
    const std::uint32_t epoch = outage_of_epoch(view.epoch);
    if (outage && outage->id == fmt::format("{}#{}", subject.name, epoch)) view.outage = outage;
    std::vector<api::EvidenceView> known;
    for (const auto* evidence : council.spread().evidence_of_epoch(key, view.epoch)) {
        known.push_back(api::evidence_view(*evidence));
    }
    api::add_evidence(view, known);
}

}  // namespace picket
