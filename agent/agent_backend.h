// AgentBackend: what the API shows of an agent, and what it may ask of it.
//
// Builds plain values out of the agent's parts. What is on disk is read on a worker
// (history_questions.h): whoever hears of an outage and asks for it finds it.

#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/api/backend.h"
#include "agent/api/outage_answers.h"
#include "agent/history_questions.h"
#include "checks/probes/once.h"

namespace picket {

class Agent;
struct CarriedCheck;

class AgentBackend : public api::Backend {
public:
    static constexpr std::size_t probes_max = 8;  // Of clients, in flight at once.

    explicit AgentBackend(Agent& agent);

    api::StatusView status() const override;
    void show(std::string_view check, std::function<void(Result<api::ShowView>)> done) override;
    void history(api::HistoryQuery query,
                 std::function<void(Result<api::HistoryView>)> done) override;
    api::AgentView agent() const override;
    void availability(api::AvailabilityQuery query,
                      std::function<void(Result<api::AvailabilitiesView>)> done) override;
    void probe(std::string_view check, std::function<void(Result<checks::Outcome>)> done) override;
    void ping(std::string_view check, const checks::Signal& signal,
              std::function<void(Result<checks::Heartbeat>)> done) override;
    void outages(api::OutagesQuery query,
                 std::function<void(Result<api::OutagesView>)> done) override;
    void outage(std::string_view id,
                std::function<void(Result<api::OutageDetailView>)> done) override;
    void why(api::WhyQuery query, std::function<void(Result<api::WhyView>)> done) override;
    std::vector<api::MemberView> members() const override;
    void keys(api::KeyCommand command, std::function<void(Result<api::KeysView>)> done) override;
    void leave(std::function<void(Result<api::LeaveView>)> done) override;
    void forget(api::ForgetQuery query, std::function<void(Result<api::ForgetView>)> done) override;
    void reload(std::function<void(Result<api::ReloadView>)> done) override;
    std::vector<api::Event> events() const override;
    std::unique_ptr<api::Subscription> subscribe(
        std::function<void(const api::Event&)> on_event) override;

private:
    template <typename Answer>
    void later(Result<Answer> answer, std::function<void(Result<Answer>)> done);

    // A check that this agent carries or has heard of, by its name in the mesh.
    struct Subject {
        std::string name;
        const CarriedCheck* own = nullptr;
        bool meshed = false;
    };
    std::optional<Subject> find(std::string_view name) const;
    static Error no_such_check(std::string_view name);

    struct Promised {
        std::string name;             // As it is stored.
        bool known = false;           // It may merely not be stored yet.
        std::optional<double> slo{};  // Percent.
    };
    std::vector<Promised> promised(const api::AvailabilityQuery& query) const;

    api::CheckView check_view(const CarriedCheck& check) const;
    api::CheckView check_view(const Subject& subject) const;
    std::vector<api::WitnessView> witnesses(const Subject& subject) const;
    void add_mesh_evidence(api::WhyView& view, const Subject& subject) const;
    // Of what no mesh decided.
    api::OnlyWitness only_witness() const;
    api::WitnessView own_witness(const CarriedCheck& check) const;
    std::vector<std::pair<std::string, std::uint64_t>> counters() const;

    Agent& agent_;
    HistoryQuestions questions_;
    std::list<checks::Once> probes_;
};

}  // namespace picket
