// What the server counted between two moments, from its /metrics.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace penstock::app {

class ServerMetrics {
 public:
  // Prometheus' text format.
  static Result<ServerMetrics> parse(std::string_view text);
  // `server`: HOST:PORT of the HTTP API.
  static Result<ServerMetrics> read(const std::string& server);

  // How much more than in `earlier` the sample is now; `name` as it is printed, with its labels. A sample that is not
  // there counts as 0.
  double since(const ServerMetrics& earlier, std::string_view name) const;
  // What the sample is now.
  double value(std::string_view name) const;

 private:
  std::map<std::string, double, std::less<>> samples_;
};

}  // namespace penstock::app
