// Time zones by their IANA names.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace penstock::types {

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

  // What of local times has passed, where clocks go back and forth: the least time that a clock shows at a moment or at
  // any later one, and the first moment from which on it shows none before a time. least_local_from(t) >= l holds for
  // t >= past_local(l) and for no other t.
  int64_t least_local_from(int64_t utc_us) const;
  int64_t past_local(int64_t local_us) const;

  // What the zone is called at a moment: "CET", "CEST"; "GMT+02:00" where it is an offset, and "+03" where it has no
  // name.
  std::string abbreviation(int64_t utc_us) const;

 private:
  struct Zone;
  TimeZone(std::string name, std::shared_ptr<const Zone> zone) : name_(std::move(name)), zone_(std::move(zone)) {}

  std::string name_;
  std::shared_ptr<const Zone> zone_;  // nullptr: UTC
};

// The local times of many moments, most of which are near each other. Not thread-safe.
class LocalClock {
 public:
  // The zone outlives it.
  explicit LocalClock(const TimeZone& zone) : zone_(zone) {}

  int64_t to_local(int64_t utc_us) {
    if (utc_us < from_us_ || utc_us >= until_us_) find_offset(utc_us);
    return utc_us + offset_us_;
  }

 private:
  void find_offset(int64_t utc_us);

  const TimeZone& zone_;
  // The moments from `from_us_` until `until_us_` have this offset.
  int64_t from_us_ = 0;
  int64_t until_us_ = 0;
  int64_t offset_us_ = 0;
};

}  // namespace penstock::types
