// Bytes shared between the log's memory, the network and the jobs.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace penstock::log {

// A view and what keeps it alive: `bytes` lives as long as `owner`. Immutable once it has been handed over.
struct SharedBytes {
  std::string_view bytes;
  std::shared_ptr<const void> owner;

  // Takes over a string.
  static SharedBytes own(std::string&& text) {
    auto owner = std::make_shared<std::string>(std::move(text));
    std::string_view bytes = *owner;
    return {bytes, std::move(owner)};
  }
};

}  // namespace penstock::log
