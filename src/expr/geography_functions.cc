// Places on the globe: distances, geohashes, areas. Latitudes and longitudes are degrees, latitude first.
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "expr/binding.h"
#include "expr/slots.h"
#include "types/value.h"

namespace penstock::expr {

namespace {

constexpr double kEarthRadiusMeters = 6'371'008.8;  // the mean radius, as the IUGG defines it
double radians(double degrees) { return degrees * (std::numbers::pi / 180); }

double haversine_meters(double latitude1, double longitude1, double latitude2, double longitude2) {
  const double dy = std::sin(radians(latitude2 - latitude1) / 2);
  const double dx = std::sin(radians(longitude2 - longitude1) / 2);
  const double a = dy * dy + std::cos(radians(latitude1)) * std::cos(radians(latitude2)) * dx * dx;
  return 2 * kEarthRadiusMeters * std::asin(std::sqrt(std::min(a, 1.0)));
}

void haversine(KernelCall& call) {
  auto latitudes1 = call.argument<double>(0);
  auto longitudes1 = call.argument<double>(1);
  auto latitudes2 = call.argument<double>(2);
  auto longitudes2 = call.argument<double>(3);
  map_valid<double>(call, [&](size_t row) {
    return haversine_meters(latitudes1[row], longitudes1[row], latitudes2[row], longitudes2[row]);
  });
}

// --- geohashes ---

constexpr std::string_view kGeohashDigits = "0123456789bcdefghjkmnpqrstuvwxyz";
constexpr int64_t kGeohashDigitsMax = 12;

struct Range {
  double low;
  double high;
  double middle() const { return (low + high) / 2; }
  // The half that the bit says.
  void halve(bool upper) { (upper ? low : high) = middle(); }
};

void append_geohash(std::string& out, double latitude, double longitude, int64_t digits) {
  Range latitudes{-90, 90};
  Range longitudes{-180, 180};
  bool of_longitude = true;
  for (int64_t digit = 0; digit < digits; ++digit) {
    size_t value = 0;
    for (int bit = 0; bit < 5; ++bit, of_longitude = !of_longitude) {
      Range& range = of_longitude ? longitudes : latitudes;
      const bool upper = (of_longitude ? longitude : latitude) >= range.middle();
      range.halve(upper);
      value = value << 1 | (upper ? 1U : 0U);
    }
    out += kGeohashDigits[value];
  }
}

// GEOHASH_ENCODE(latitude, longitude [, digits])
void geohash_encode(KernelCall& call) {
  auto latitudes = call.argument<double>(0);
  auto longitudes = call.argument<double>(1);
  static constexpr int64_t kAll = kGeohashDigitsMax;
  ArgumentView<int64_t> digits =
      call.argument_count() > 2 ? call.argument<int64_t>(2) : ArgumentView<int64_t>(&kAll, 0);
  write_rows(call, [&](std::string& out, size_t row) {
    if (digits[row] < 1 || digits[row] > kGeohashDigitsMax) {
      return call.fail(row, fmt::format("a geohash has 1 to {} digits", kGeohashDigitsMax));
    }
    if (!(std::abs(latitudes[row]) <= 90) || !(std::abs(longitudes[row]) <= 180)) {
      return call.fail(row, "a latitude is from -90 to 90, a longitude from -180 to 180");
    }
    append_geohash(out, latitudes[row], longitudes[row], digits[row]);
  });
}

// ROW(latitude, longitude) of the middle; NULL for what is no geohash.
void geohash_decode(KernelCall& call) {
  auto hashes = call.argument<StringCell>(0);
  write_rows(call, [&](std::string& out, size_t row) {
    Range latitudes{-90, 90};
    Range longitudes{-180, 180};
    bool of_longitude = true;
    const std::string_view hash = hashes[row].view();
    for (char c : hash) {
      const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      const size_t value = kGeohashDigits.find(lower);
      if (value == kGeohashDigits.npos || hash.size() > kGeohashDigitsMax) return call.set_null(row);
      for (int bit = 4; bit >= 0; --bit, of_longitude = !of_longitude) {
        (of_longitude ? longitudes : latitudes).halve((value >> bit & 1) != 0);
      }
    }
    if (hash.empty()) return call.set_null(row);
    types::SlotWriter slot(out, TypeKind::kDouble);
    slot.append_double(latitudes.middle());
    slot.append_double(longitudes.middle());
  });
}

bool bind_geohash_decode(CallSignature& call) {
  static constexpr Takes kTakes[] = {Takes::kText};
  if (!accept_arguments(call, kTakes, 1)) return false;
  const DataType degrees = DataType(TypeKind::kDouble).with_nullable(false);
  call.result = DataType::row({{"latitude", degrees}, {"longitude", degrees}});
  call.kernel = geohash_decode;
  return true;
}

// --- areas ---

struct Point {
  double x;
  double y;
};

// The points of the rings of POLYGON((x y, x y, ...), (...)), x being the longitude as WKT has it; false for others.
bool read_polygon(std::string_view text, std::vector<std::vector<Point>>& rings) {
  const auto skip = [&] {
    while (text.starts_with(' ') || text.starts_with('\n')) text.remove_prefix(1);
  };
  const auto accept = [&](char c) {
    skip();
    if (!text.starts_with(c)) return false;
    text.remove_prefix(1);
    return true;
  };
  const auto number = [&](double& value) {
    skip();
    const size_t size = std::min(text.find_first_of(" ,)\n"), text.size());
    Result<double> read = types::double_from_text(text.substr(0, size));
    if (size == 0 || !read || !std::isfinite(*read)) return false;
    value = *read;
    text.remove_prefix(size);
    return true;
  };
  skip();
  for (char c : std::string_view("POLYGON")) {
    if (text.empty() || (text[0] & ~0x20) != c) return false;
    text.remove_prefix(1);
  }
  if (!accept('(')) return false;
  do {
    if (!accept('(')) return false;
    rings.emplace_back();
    do {
      Point point{};
      if (!number(point.x) || !number(point.y)) return false;
      rings.back().push_back(point);
    } while (accept(','));
    if (!accept(')')) return false;
  } while (accept(','));
  skip();
  if (!accept(')')) return false;
  skip();
  return text.empty() && std::ranges::all_of(rings, [](const auto& ring) { return ring.size() >= 3; });
}

// Whether a ray from the point to the east crosses the rings an odd number of times: holes count by themselves.
bool contains(const std::vector<std::vector<Point>>& rings, Point point) {
  bool inside = false;
  for (const std::vector<Point>& ring : rings) {
    for (size_t i = 0, last = ring.size() - 1; i < ring.size(); last = i++) {
      const Point& a = ring[i];
      const Point& b = ring[last];
      const bool crosses =
          (a.y > point.y) != (b.y > point.y) && point.x < (b.x - a.x) * (point.y - a.y) / (b.y - a.y) + a.x;
      inside = inside != crosses;
    }
  }
  return inside;
}

// GEO_CONTAINS(polygon, latitude, longitude); the polygon is read once per batch when it is constant.
void geo_contains(KernelCall& call) {
  auto polygons = call.argument<StringCell>(0);
  auto latitudes = call.argument<double>(1);
  auto longitudes = call.argument<double>(2);
  std::string text;
  std::vector<std::vector<Point>> rings;
  bool read = false;
  map_valid<uint8_t>(call, [&](size_t row) -> uint8_t {
    if (rings.empty() || polygons[row].view() != text) {
      text = polygons[row].view();
      rings.clear();
      read = read_polygon(text, rings);
    }
    if (read) return contains(rings, {.x = longitudes[row], .y = latitudes[row]}) ? 1 : 0;
    call.fail(row, "the area is no POLYGON((longitude latitude, ...))");
    return 0;
  });
}

constexpr FunctionCategory kCategory = FunctionCategory::kGeography;
constexpr TypeKind kReal = TypeKind::kDouble;
constexpr auto kHaversine =
    bind_fixed<haversine, kReal, Takes::kDouble, Takes::kDouble, Takes::kDouble, Takes::kDouble>;

constexpr ScalarFunction kFunctions[] = {
    {"HAVERSINE_DISTANCE", kCategory, "HAVERSINE_DISTANCE(latitude1, longitude1, latitude2, longitude2)",
     "Meters between two places along a great circle of a globe with the mean radius of the earth.",
     "ROUND(HAVERSINE_DISTANCE(52.52, 13.405, 48.137, 11.575) / 1000, 0) => 504.0", kHaversine},
    {"GEOHASH_ENCODE", kCategory, "GEOHASH_ENCODE(latitude, longitude [, digits])",
     "The geohash of a place, of 1 to 12 digits; near places mostly begin alike.",
     "GEOHASH_ENCODE(57.64911, 10.40744, 6) => u4pruy",
     bind_optional<geohash_encode, TypeKind::kString, 2, Takes::kDouble, Takes::kDouble, Takes::kInteger>},
    {"GEOHASH_DECODE", kCategory, "GEOHASH_DECODE(geohash)",
     "The middle of a geohash as ROW(latitude, longitude); NULL for what is none.",
     "ROUND(GEOHASH_DECODE('u4pruy').latitude, 2) => 57.65", bind_geohash_decode, NullRule::kMakes},
    {"GEO_CONTAINS", kCategory, "GEO_CONTAINS(polygon, latitude, longitude)",
     "Whether a place is in an area given as the text POLYGON((longitude latitude, ...)), whose sides are straight on "
     "a "
     "map with degrees as its grid; further rings are holes.",
     "GEO_CONTAINS('POLYGON((13 52, 14 52, 14 53, 13 53, 13 52))', 52.52, 13.405) => TRUE",
     bind_fixed<geo_contains, TypeKind::kBoolean, Takes::kText, Takes::kDouble, Takes::kDouble>},
};

}  // namespace

std::span<const ScalarFunction> geography_functions() { return kFunctions; }

}  // namespace penstock::expr
