// Time zones by their IANA names.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace penstock::expr {

// Immutable; may be used on several threads.
class TimeZone {
 public:
  static const TimeZone& utc();
  // "Europe/Berlin", "UTC", or a fixed offset "+02:00".
  static Result<TimeZone> load(std::string_view name);
  // The same, to be kept for as long as the process lives: there are only so many zones.
  static Result<const TimeZone*> find(std::string_view name);

  const std::string& name() const { return name_; }
  bool is_utc() const { return zone_ == nullptr; }

  // What a clock in the zone shows at a moment, and back; both microseconds since 1970. A local time that is skipped
  // or comes twice when clocks change is taken with the offset from before the change, as java.time does.
  int64_t to_local(int64_t utc_us) const;
  int64_t from_local(int64_t local_us) const;

 private:
  struct Zone;
  TimeZone(std::string name, std::shared_ptr<const Zone> zone) : name_(std::move(name)), zone_(std::move(zone)) {}

  std::string name_;
  std::shared_ptr<const Zone> zone_;  // nullptr: UTC
};

}  // namespace penstock::expr
