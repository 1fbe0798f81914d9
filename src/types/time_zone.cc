#include "types/time_zone.h"

#include <absl/time/time.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <map>
#include <mutex>
#include <system_error>
#include <utility>

#include "base/ascii.h"
#include "types/calendar.h"

namespace penstock::types {

struct TimeZone::Zone {
  absl::TimeZone zone;
  bool is_offset = false;
};

const TimeZone& TimeZone::utc() {
  static const TimeZone kUtc("UTC", nullptr);
  return kUtc;
}

namespace {

// "+02:00", "-0530", "UTC+2".
bool parse_offset(std::string_view text, int& seconds) {
  if (text.starts_with("UTC") || text.starts_with("GMT")) text.remove_prefix(3);
  if (text.size() < 2 || (text[0] != '+' && text[0] != '-')) return false;
  int sign = text[0] == '-' ? -1 : 1;
  int digits[4] = {};
  size_t count = 0;
  bool colon = false;
  for (char c : text.substr(1)) {
    if (c == ':' && !colon && count >= 1 && count <= 2) {
      colon = true;
      continue;
    }
    if (!is_digit(c) || count == 4) return false;
    digits[count++] = c - '0';
  }
  int hours = count % 2 == 1 ? digits[0] : digits[0] * 10 + digits[1];
  size_t minutes_at = count % 2 == 1 ? 1 : 2;
  int minutes = count > 2 ? digits[minutes_at] * 10 + digits[minutes_at + 1] : 0;
  if (hours > 18 || minutes > 59) return false;
  seconds = sign * (hours * 3600 + minutes * 60);
  return true;
}

// The names of three letters that Java has beside those of the time zone database: java.time.ZoneId.SHORT_IDS.
constexpr std::pair<std::string_view, std::string_view> kShortNames[] = {
    {"ACT", "Australia/Darwin"},
    {"AET", "Australia/Sydney"},
    {"AGT", "America/Argentina/Buenos_Aires"},
    {"ART", "Africa/Cairo"},
    {"AST", "America/Anchorage"},
    {"BET", "America/Sao_Paulo"},
    {"BST", "Asia/Dhaka"},
    {"CAT", "Africa/Harare"},
    {"CNT", "America/St_Johns"},
    {"CST", "America/Chicago"},
    {"CTT", "Asia/Shanghai"},
    {"EAT", "Africa/Addis_Ababa"},
    {"ECT", "Europe/Paris"},
    {"EST", "-05:00"},
    {"HST", "-10:00"},
    {"IET", "America/Indiana/Indianapolis"},
    {"IST", "Asia/Kolkata"},
    {"JST", "Asia/Tokyo"},
    {"MIT", "Pacific/Apia"},
    {"MST", "-07:00"},
    {"NET", "Asia/Yerevan"},
    {"NST", "Pacific/Auckland"},
    {"PLT", "Asia/Karachi"},
    {"PNT", "America/Phoenix"},
    {"PRT", "America/Puerto_Rico"},
    {"PST", "America/Los_Angeles"},
    {"SST", "Pacific/Guadalcanal"},
    {"VST", "Asia/Ho_Chi_Minh"},
};

std::string_view full_name(std::string_view name) {
  const auto* found = std::ranges::find(kShortNames, name, &std::pair<std::string_view, std::string_view>::first);
  return found == std::end(kShortNames) ? name : found->second;
}

// Whether there is a zone with that name, by its file. Whatever absl is asked for it keeps, and it opens any file that
// it is given the path of; so it is asked only for what is there under its directory.
bool is_known(const std::string& name) {
  const auto in_name = [](char c) {
    return is_letter(c) || is_digit(c) || c == '/' || c == '_' || c == '-' || c == '+';
  };
  if (!is_letter(name[0]) || !std::ranges::all_of(name, in_name) || name.contains("//")) return false;
  const char* const directory = std::getenv("TZDIR");
  const std::filesystem::path zones = directory == nullptr || *directory == '\0' ? "/usr/share/zoneinfo" : directory;
  std::error_code error;
  return std::filesystem::is_regular_file(zones / name, error);
}

absl::CivilSecond civil_second(int64_t local_us) {
  int64_t days = floor_divide(local_us, kMicrosPerDay);
  int64_t seconds = floor_modulo(local_us, kMicrosPerDay) / kMicrosPerSecond;
  CivilDate date = civil_from_days(days);
  return absl::CivilSecond(date.year, date.month, date.day, 0, 0, 0) + seconds;
}

}  // namespace

Result<TimeZone> TimeZone::load(std::string_view name) {
  if (name == "UTC" || name == "Z" || name == "GMT" || name == "Etc/UTC") return TimeZone(std::string(name), nullptr);
  int seconds = 0;
  const std::string_view full = full_name(name);
  if (parse_offset(full, seconds)) {
    return TimeZone(std::string(name),
                    std::make_shared<const Zone>(Zone{.zone = absl::FixedTimeZone(seconds), .is_offset = true}));
  }
  absl::TimeZone zone;
  if (name.empty() || !is_known(std::string(full)) || !absl::LoadTimeZone(std::string(full), &zone)) {
    return not_found("there is no time zone '{}'", name).hint("use a name such as 'Europe/Berlin', or '+02:00'");
  }
  return TimeZone(std::string(name), std::make_shared<const Zone>(Zone{.zone = zone}));
}

Result<const TimeZone*> TimeZone::find(std::string_view name) {
  static std::mutex mutex;
  static auto& zones = *new std::map<std::string, TimeZone, std::less<>>();
  const std::lock_guard lock(mutex);
  auto known = zones.find(name);
  if (known == zones.end()) known = zones.emplace(std::string(name), PENSTOCK_TRY(load(name))).first;
  return &known->second;
}

int64_t TimeZone::to_local(int64_t utc_us) const {
  if (zone_ == nullptr) return utc_us;
  return utc_us + int64_t{zone_->zone.At(absl::FromUnixMicros(utc_us)).offset} * kMicrosPerSecond;
}

int64_t TimeZone::from_local(int64_t local_us) const {
  if (zone_ == nullptr) return local_us;
  // `pre` is the moment with the offset from before a change of clocks; the only one where there is no change.
  absl::TimeZone::TimeInfo info = zone_->zone.At(civil_second(local_us));
  return absl::ToUnixMicros(info.pre) + floor_modulo(local_us, kMicrosPerSecond);
}

int64_t TimeZone::least_local_from(int64_t utc_us) const {
  const int64_t local_us = to_local(utc_us);
  if (zone_ == nullptr) return local_us;
  const absl::TimeZone::TimeInfo info = zone_->zone.At(civil_second(local_us));
  if (info.kind != absl::TimeZone::TimeInfo::REPEATED) return local_us;
  // Where clocks are yet to be put back, it is what they show then.
  const int64_t change_us = absl::ToUnixMicros(info.trans);
  return utc_us < change_us ? to_local(change_us) : local_us;
}

int64_t TimeZone::past_local(int64_t local_us) const {
  if (zone_ == nullptr) return local_us;
  const int64_t last_us = local_us - 1;
  const absl::TimeZone::TimeInfo info = zone_->zone.At(civil_second(last_us));
  if (info.kind == absl::TimeZone::TimeInfo::SKIPPED) return absl::ToUnixMicros(info.trans);
  // `post` is the second of two moments, and where there is one it is that.
  return absl::ToUnixMicros(info.post) + floor_modulo(last_us, kMicrosPerSecond) + 1;
}

// No zone has changed its clocks and changed them back within a day of UTC.
void LocalClock::find_offset(int64_t utc_us) {
  from_us_ = utc_us - floor_modulo(utc_us, kMicrosPerDay);
  until_us_ = from_us_ + kMicrosPerDay;
  const int64_t first = zone_.to_local(from_us_) - from_us_;
  const int64_t last = zone_.to_local(until_us_ - 1) - (until_us_ - 1);
  if (first != last) {
    from_us_ = utc_us;
    until_us_ = utc_us + 1;
  }
  offset_us_ = zone_.to_local(utc_us) - utc_us;
}

std::string TimeZone::abbreviation(int64_t utc_us) const {
  if (is_utc()) return "UTC";
  if (!zone_->is_offset) return zone_->zone.At(absl::FromUnixMicros(utc_us)).zone_abbr;
  const int64_t minutes = (to_local(utc_us) - utc_us) / kMicrosPerMinute;
  return fmt::format("GMT{}{:02}:{:02}", minutes < 0 ? '-' : '+', std::abs(minutes) / 60, std::abs(minutes) % 60);
}

}  // namespace penstock::types
