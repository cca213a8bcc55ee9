// Handle: the ownership rule of libuv, in one place.
//
// libuv may touch a handle until its close callback has run, which is later than
// the owner's destructor. So the handle lives on the heap, the owner's
// destructor only asks for the close, and the close callback is the only delete.
// Nothing fires after the owner is gone, and an owner may go from within its own
// callback: the callback itself lives until the close.

#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

namespace picket::io {

template <typename Uv, typename... Arguments>
struct HandleState {
    Uv uv{};
    std::function<void(Arguments...)> callback;
    bool closed = false;

    // What libuv calls: the state of a handle is its `data`.
    static void fire(Uv* uv, Arguments... arguments) {
        auto* state = static_cast<HandleState*>(uv->data);
        if (!state->closed) state->callback(arguments...);
    }
};

template <typename Uv, typename... Arguments>
struct HandleClose {
    void operator()(HandleState<Uv, Arguments...>* state) const {
        state->closed = true;
        uv_close(reinterpret_cast<uv_handle_t*>(&state->uv), [](uv_handle_t* handle) {
            delete static_cast<HandleState<Uv, Arguments...>*>(handle->data);
        });
    }
};

template <typename Uv, typename... Arguments>
using Handle = std::unique_ptr<HandleState<Uv, Arguments...>, HandleClose<Uv, Arguments...>>;

// A handle of type Uv whose callback takes Arguments. `initialise` is given the
// raw handle and must succeed: libuv's initialisers fail for our mistakes only.
template <typename Uv, typename... Arguments, typename Initialise>
Handle<Uv, Arguments...> make_handle(
    std::type_identity_t<std::function<void(Arguments...)>> callback, Initialise initialise) {
    auto state = std::make_unique<HandleState<Uv, Arguments...>>();
    state->callback = std::move(callback);
    initialise(&state->uv);
    state->uv.data = state.get();
    return Handle<Uv, Arguments...>(state.release());
}

}  // namespace picket::io
