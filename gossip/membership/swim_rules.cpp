// What Swim believes of whom: memberlist.md, section 10, and what section 17 asks
// to be done otherwise.

#include <algorithm>

#include "agent/base/assert.h"
#include "gossip/membership/swim.h"
#include "gossip/membership/tags.h"

namespace picket::gossip {

bool Swim::plausible(const wire::Alive& alive, const SocketAddress& address) {
    if (!usable(address)) {
        ignore(Ignored::bad_address);
        return false;
    }
    if (alive.incarnation == 0 || alive.incarnation > incarnation_max) {
        ignore(Ignored::absurd_incarnation);
        return false;
    }
    if (!compatible(options_.versions, alive.versions)) {
        ignore(Ignored::incompatible);
        return false;
    }
    return true;
}

bool Swim::plausible(Incarnation incarnation, const MemberView& view) {
    const bool far =
        incarnation > view.incarnation && incarnation - view.incarnation > incarnation_step_max;
    if (!far && incarnation <= incarnation_max) return true;
    ignore(Ignored::absurd_incarnation);
    return false;
}

void Swim::on_alive(Instant now, const wire::Alive& heard, const From& from, Word word) {
    wire::Alive alive = heard;
    if (alive.port == 0) alive.port = options_.address.port;
    const SocketAddress address{alive.ip, alive.port};
    if (!plausible(alive, address)) return;
    if (alive.node == options_.name) return on_alive_about_us(now, alive, from);

    MemberView* view = table_.find(alive.node);
    if (view == nullptr) {
        Tombstone* stone = graveyard_.find(texts_->find(alive.node));
        if (stone != nullptr && alive.incarnation <= stone->incarnation) {
            return set_right(now, alive, {stone->liveness, stone->incarnation, &stone->answered},
                             from);
        }
        if (table_.size() >= options_.members_max) return ignore(Ignored::mesh_full);
        if (word == Word::introduced) return introduce(now, alive, address, std::nullopt);
        MemberView& fresh = table_.insert(alive.node, random_);
        graveyard_.erase(fresh.name);
        return accept(now, alive, fresh, true);
    }
    if (alive.incarnation <= view->incarnation) return on_stale_alive(now, alive, *view, from);
    if (!plausible(alive.incarnation, *view)) return;
    // While it lives where it was, another address is somebody else's claim.
    const bool moved = !same_endpoint(address, view->address);
    if (moved && present(view->liveness) && word != Word::verified) {
        return introduce(now, alive, address, view->address);
    }
    accept(now, alive, *view, false);
}

void Swim::on_stale_alive(Instant now, const wire::Alive& alive, MemberView& view,
                          const From& from) {
    if (!present(view.liveness)) {
        return set_right(now, alive, {view.liveness, view.incarnation, &view.answered}, from);
    }
    ignore(Ignored::stale);
    const bool elsewhere = !same_endpoint({alive.ip, alive.port}, view.address);
    // Of the same number at two places: two agents have one name.
    if (elsewhere && alive.incarnation == view.incarnation) {
        notice(now, MemberEvent::Kind::conflict, alive);
    }
}

void Swim::on_alive_about_us(Instant now, const wire::Alive& alive, const From& from) {
    if (leaving_) return ignore(Ignored::after_leave);
    const MemberView& view = us();
    if (alive.incarnation < view.incarnation) return ignore(Ignored::stale);
    if (!plausible(alive.incarnation, view)) return;
    const bool elsewhere = !same_endpoint({alive.ip, alive.port}, view.address);
    const bool ours = !elsewhere && alive.incarnation == view.incarnation &&
                      alive.meta == text(view.meta) && alive.versions == view.versions;
    if (ours) return ignore(Ignored::stale);
    // Two agents of one name would refute each other without end.
    if (elsewhere) {
        if (!notices_.take(now)) return ignore(Ignored::stale);
        notices_.give_back();
        notice(now, MemberEvent::Kind::conflict, alive);
    }
    refute(now, alive.incarnation, from);
}

void Swim::accept(Instant now, const wire::Alive& alive, MemberView& view, bool fresh) {
    PICKET_ASSERT(alive.incarnation > view.incarnation);
    suspicions_.close(view.name);
    const Liveness before = view.liveness;
    const SocketAddress address{alive.ip, alive.port};
    const bool updated = !same_endpoint(address, view.address) || text(view.meta) != alive.meta;
    tell(now, view.name, alive);
    view.address = address;
    view.incarnation = alive.incarnation;
    view.versions = alive.versions;
    view.picket = is_picket(alive.meta);
    table_.set_meta(view, alive.meta);
    if (before != Liveness::alive) {
        table_.set_liveness(now, view, Liveness::alive);
        event(MemberEvent::Kind::changed, view, fresh ? std::nullopt : std::optional(before));
    } else if (updated) {
        event(MemberEvent::Kind::updated, view);
    }
}

// An alive that is not newer than what is believed failed or left. If the member
// does live it must learn of it, to say so under a higher number; and who holds it
// alive for want of news learns the news, but as a suspicion: the other half of a
// mesh, right after a partition, is right about its own.
void Swim::set_right(Instant now, const wire::Alive& stale, const Belief& belief,
                     const From& from) {
    ignore(Ignored::stale);
    if (leaving_) return;
    if (now - *belief.answered < options_.timings.probe_interval) return;
    if (!answers_.take(now)) return;
    *belief.answered = now;
    const SocketAddress subject{stale.ip, stale.port};
    send(subject, wire::Dead{belief.incarnation, stale.node, options_.name});
    if (!from.has_value() || same_endpoint(*from, subject)) return;
    if (belief.liveness == Liveness::left) {
        send(*from, wire::Dead{belief.incarnation, stale.node, stale.node});
    } else {
        send(*from, wire::Suspect{belief.incarnation, stale.node, options_.name});
    }
}

std::optional<TextId> Swim::accuser(std::string_view from) {
    const TextId name = texts_->find(from);
    if (table_.find(name) != nullptr || graveyard_.find(name) != nullptr) return name;
    ignore(Ignored::unknown_accuser);
    return std::nullopt;
}

void Swim::on_suspect(Instant now, const wire::Suspect& suspect, const From& from) {
    MemberView* view = table_.find(suspect.node);
    if (view == nullptr) return ignore(Ignored::unknown_member);
    if (suspect.incarnation < view->incarnation) {
        ignore(Ignored::stale);
        if (view->name == self_) tell_our_state(now, from);
        return;
    }
    if (!plausible(suspect.incarnation, *view)) return;
    if (view->name == self_) {
        if (leaving_) return ignore(Ignored::after_leave);
        return refute(now, suspect.incarnation, from);
    }
    const std::optional<TextId> who = accuser(suspect.from);
    if (!who.has_value()) return;
    const bool news = suspicions_.is_open(view->name) ? suspicions_.news(view->name, *who)
                                                      : view->liveness == Liveness::alive;
    if (!news) return ignore(Ignored::stale);
    const bool hearsay = !from.has_value();
    if (!accusers_.may_accuse(now, hearsay ? Accusers::hearsay : *who)) {
        return ignore(Ignored::accused_too_often);
    }
    accuse(now, *view, *who, suspect);
}

void Swim::accuse(Instant now, MemberView& view, TextId accuser, const wire::Suspect& suspect) {
    if (suspicions_.is_open(view.name)) {
        if (!suspicions_.news(view.name, accuser)) return;
        suspicions_.confirm(now, view.name, accuser);
        return tell(now, view.name, suspect);
    }
    if (view.liveness != Liveness::alive) return;
    tell(now, view.name, suspect);
    view.incarnation = suspect.incarnation;
    table_.set_liveness(now, view, Liveness::suspect);
    suspicions_.open(now, view.name, accuser, suspicion_times(options_.timings, table_.size()));
    event(MemberEvent::Kind::changed, view, Liveness::alive);
}

void Swim::on_dead(Instant now, const wire::Dead& dead, const From& from) {
    MemberView* view = table_.find(dead.node);
    if (view == nullptr) return ignore(Ignored::unknown_member);
    if (dead.incarnation < view->incarnation) {
        ignore(Ignored::stale);
        if (view->name == self_) tell_our_state(now, from);
        return;
    }
    if (!plausible(dead.incarnation, *view)) return;
    if (view->name == self_) {
        if (leaving_) return ignore(Ignored::after_leave);
        return refute(now, dead.incarnation, from);
    }
    if (!present(view->liveness)) return ignore(Ignored::stale);
    if (dead.node != dead.from) {
        const std::optional<TextId> who = accuser(dead.from);
        if (!who.has_value()) return;
        // Where we suspect it ourselves, this only says so sooner.
        if (view->liveness == Liveness::alive && !accusers_.may_accuse(now, *who)) {
            return ignore(Ignored::accused_too_often);
        }
    }
    declare(now, *view, dead);
}

void Swim::declare(Instant now, MemberView& view, const wire::Dead& dead) {
    PICKET_ASSERT(present(view.liveness));
    PICKET_ASSERT(view.name != self_);
    const Liveness before = view.liveness;
    accusers_.upheld(suspicions_.close(view.name));
    tell(now, view.name, dead);
    view.incarnation = dead.incarnation;
    view.tcp_only = false;
    table_.set_liveness(now, view, dead.node == dead.from ? Liveness::left : Liveness::failed);
    event(MemberEvent::Kind::changed, view, before);
}

void Swim::raise_incarnation(Incarnation above) {
    MemberView& view = us();
    // At the top it stays: an agent that others pushed there lives on, unrefuted.
    view.incarnation = std::max(view.incarnation, std::min(above, incarnation_max - 1) + 1);
}

void Swim::refute(Instant now, Incarnation accused, const From& from) {
    PICKET_ASSERT(accused >= incarnation());
    raise_incarnation(accused);
    awareness_.add(1);
    announce(now);
    tell_our_state(now, from);
}

void Swim::announce(Instant now) {
    tell(now, self_, alive_of(us()));
}

// Whoever accuses us hears from us at once, not when gossip comes round to it.
void Swim::tell_our_state(Instant now, const From& to) {
    if (!to.has_value() || leaving_ || !self_tells_.take(now)) return;
    send(*to, alive_of(us()));
}

wire::Alive Swim::alive_of(const MemberView& view) const {
    return {view.incarnation,  text(view.name), view.address.ip,
            view.address.port, text(view.meta), view.versions};
}

}  // namespace picket::gossip
