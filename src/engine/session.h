// One client's conversation with the engine.
#pragma once

#include <memory>

#include "engine/engine.h"

namespace penstock::engine {

class EngineImpl;

// `engine` outlives the session.
std::unique_ptr<Session> make_session(EngineImpl& engine);

}  // namespace penstock::engine
