// Runs SQL over the server's HTTP API.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace penstock::app {

// Used by one thread; keeps its connection.
class SqlClient {
 public:
  // `server`: HOST:PORT of the HTTP API.
  static Result<std::unique_ptr<SqlClient>> make(const std::string& server);
  ~SqlClient();

  // Strings as they are, everything else as JSON text: 12, 0.5, null, true.
  using Rows = std::vector<std::vector<std::string>>;
  // Runs one or more statements and returns the rows of the last; an error carries the server's message.
  Result<Rows> run(std::string_view sql);

 private:
  SqlClient();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace penstock::app
