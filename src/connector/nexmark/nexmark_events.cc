#include "connector/nexmark/nexmark_events.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <numbers>

#include "base/hash.h"

namespace penstock::connector {

namespace {

constexpr int64_t kActivePersons = 1000;
constexpr int64_t kAuctionsInFlight = 100;
constexpr int64_t kIdLead = 10;  // ids may be used that are not there yet
constexpr int64_t kHotEvery = 100;
constexpr int64_t kFirstCategory = 10;
constexpr int64_t kCategories = 5;
constexpr int64_t kChannels = 10'000;
constexpr int64_t kHotChannelRatio = 2;
constexpr size_t kLetters = 1 << 16;  // a cache holds them
constexpr int64_t kPriceSteps = 4096;

constexpr std::array<std::string_view, 4> kHotChannels{"Google", "Facebook", "Baidu", "Apple"};
constexpr std::array<std::string_view, 6> kStates{"AZ", "CA", "ID", "OR", "WA", "WY"};
constexpr std::array<std::string_view, 10> kCities{"Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland",
                                                   "Bend",    "Redmond",     "Seattle",       "Kent",  "Cheyenne"};
constexpr std::array<std::string_view, 11> kFirstNames{"Peter", "Paul",  "Luke",  "John",   "Saul",  "Vicky",
                                                       "Kate",  "Julie", "Sarah", "Deiter", "Walter"};
constexpr std::array<std::string_view, 9> kLastNames{"Shultz", "Abrams", "Spencer", "White", "Bartels",
                                                     "Walton", "Smith",  "Jones",   "Noris"};

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

uint32_t reversed(uint32_t bits) {
  uint32_t out = 0;
  for (int i = 0; i < 32; ++i) out |= ((bits >> i) & 1U) << (31 - i);
  return out;
}

}  // namespace

enum class NexmarkEvents::Respect : uint8_t {
  kName,
  kEmail,
  kCreditCard,
  kCity,
  kState,
  kPersonExtra,
  kItemName,
  kDescription,
  kInitialBid,
  kReserve,
  kExpires,
  kSeller,
  kCategory,
  kAuctionExtra,
  kBidAuction,
  kBidder,
  kPrice,
  kChannel,
  kBidExtra,
  kTables,
};

NexmarkEvents::NexmarkEvents(const NexmarkOptions& options)
    : options_(options),
      round_events_(options.person_proportion + options.auction_proportion + options.bid_proportion),
      delay_us_(1e6 / static_cast<double>(options.events_per_second)) {
  static_assert(static_cast<size_t>(Respect::kTables) + 1 == kRespects);
  for (size_t i = 0; i < seeds_.size(); ++i) {
    seeds_[i] = mix64(static_cast<uint64_t>(options.seed) * seeds_.size() + i + 1);
  }
  Draws random = draws({}, Respect::kTables);
  letters_.resize(kLetters);
  for (char& c : letters_) c = static_cast<char>('a' + random.below(26));
  words_ = letters_;
  for (char& c : words_) c = random.below(13) == 0 ? ' ' : c;
  for (int64_t i = 0; i <= kPriceSteps; ++i) {
    powers_.push_back(std::pow(10.0, 6.0 * static_cast<double>(i) / static_cast<double>(kPriceSteps)));
  }
  for (const std::string_view first : kFirstNames) {
    for (const std::string_view last : kLastNames) names_.push_back(heap_.add(fmt::format("{} {}", first, last)));
  }
  for (int64_t i = 0; i < kChannels; ++i) {
    channels_.push_back(heap_.add(fmt::format("channel-{}", i)));
    std::string url = make_url(random);
    if (random.below(10) > 0) {
      const auto number = static_cast<int32_t>(reversed(static_cast<uint32_t>(i)));
      url += fmt::format("&channel_id={}", std::abs(static_cast<int64_t>(number)));
    }
    urls_.push_back(heap_.add(url));
  }
  for (const std::string_view channel : kHotChannels) {
    channels_.emplace_back(channel);
    urls_.push_back(heap_.add(make_url(random)));
  }
}

std::string NexmarkEvents::make_url(Draws& random) {
  std::string url = "https://www.nexmark.com/";
  for (int part = 0; part < 3; ++part) {
    const auto size = static_cast<size_t>(3 + random.below(2));
    for (size_t i = 0; i < size; ++i) url += random.below(13) == 0 ? '_' : static_cast<char>('a' + random.below(26));
    url += '/';
  }
  return url + "item.htm?query=1";
}

// --- ids ---

int64_t NexmarkEvents::last_person(NexmarkPlace at) const {
  return at.round * options_.person_proportion + std::min(at.offset, options_.person_proportion - 1);
}

int64_t NexmarkEvents::last_auction(NexmarkPlace at) const {
  const int64_t before = at.offset - options_.person_proportion;  // of this round
  if (before < 0) return at.round * options_.auction_proportion - 1;
  return at.round * options_.auction_proportion + std::min(before, options_.auction_proportion - 1);
}

int64_t NexmarkEvents::active_person(NexmarkPlace at, Draws& random) const {
  const int64_t persons = last_person(at) + 1;
  const int64_t active = std::min(persons, kActivePersons);
  return persons - active + random.below(active + kIdLead);
}

int64_t NexmarkEvents::active_auction(NexmarkPlace at, Draws& random) const {
  const int64_t last = last_auction(at);
  const int64_t first = std::max<int64_t>(last - kAuctionsInFlight, 0);
  return first + random.below(last - first + 1 + kIdLead);
}

// --- what fields share ---

int64_t NexmarkEvents::draw_price(Draws& random) const {
  // 100 * 10^(6u): the table gives the power of the step below, the rest is small enough for three terms of its series.
  const double position = unit_fraction(random.bits()) * static_cast<double>(kPriceSteps);
  const auto step = static_cast<int64_t>(position);
  const double x = (position - static_cast<double>(step)) * 6.0 * std::numbers::ln10 / static_cast<double>(kPriceSteps);
  const double price = 100.0 * powers_[static_cast<size_t>(step)] * (1 + x * (1 + x / 2 * (1 + x / 3)));
  return static_cast<int64_t>(price + 0.5);
}

columnar::StringCell NexmarkEvents::filler(NexmarkPlace at, Respect respect, size_t size, int64_t average) const {
  const int64_t missing = average - static_cast<int64_t>(size);
  if (missing < 0) return {};
  Draws random = draws(at, respect);
  const int64_t spread = (missing + 2) / 5;  // a fifth, rounded
  const int64_t wanted = missing - spread + (spread == 0 ? 0 : random.below(2 * spread));
  const int64_t begin = random.below(static_cast<int64_t>(kLetters) - wanted);
  return StringCell(std::string_view(letters_).substr(static_cast<size_t>(begin), static_cast<size_t>(wanted)));
}

columnar::StringCell NexmarkEvents::text(NexmarkPlace at, Respect respect, int64_t longest) const {
  Draws random = draws(at, respect);
  const auto size = static_cast<size_t>(3 + random.below(longest - 3));
  const auto begin = static_cast<size_t>(random.below(static_cast<int64_t>(kLetters) - longest));
  return StringCell(trimmed(std::string_view(words_).substr(begin, size)));
}

// --- persons ---

columnar::StringCell NexmarkEvents::person_name(NexmarkPlace at) const {
  return names_[static_cast<size_t>(draws(at, Respect::kName).below(static_cast<int64_t>(names_.size())))];
}

columnar::StringCell NexmarkEvents::email(NexmarkPlace at, columnar::StringHeap& heap) const {
  Draws random = draws(at, Respect::kEmail);
  const auto word = [&](int64_t longest) {
    const auto size = static_cast<size_t>(3 + random.below(longest - 3));
    return std::string_view(letters_).substr(static_cast<size_t>(random.below(kLetters - 8)), size);
  };
  const std::string_view name = word(7);
  return heap.add(fmt::format("{}@{}.com", name, word(5)));
}

columnar::StringCell NexmarkEvents::credit_card(NexmarkPlace at, columnar::StringHeap& heap) const {
  Draws random = draws(at, Respect::kCreditCard);
  std::array<int64_t, 4> groups{};
  for (int64_t& group : groups) group = random.below(10'000);
  return heap.add(fmt::format("{:04} {:04} {:04} {:04}", groups[0], groups[1], groups[2], groups[3]));
}

columnar::StringCell NexmarkEvents::city(NexmarkPlace at) const {
  return StringCell(kCities[static_cast<size_t>(draws(at, Respect::kCity).below(kCities.size()))]);
}

columnar::StringCell NexmarkEvents::state(NexmarkPlace at) const {
  return StringCell(kStates[static_cast<size_t>(draws(at, Respect::kState).below(kStates.size()))]);
}

columnar::StringCell NexmarkEvents::person_extra(NexmarkPlace at) const {
  columnar::StringHeap heap;
  const size_t size = 8 + person_name(at).size() + email(at, heap).size() + 19 + city(at).size() + state(at).size();
  return filler(at, Respect::kPersonExtra, size, options_.person_avg_size);
}

// --- auctions ---

columnar::StringCell NexmarkEvents::item_name(NexmarkPlace at) const { return text(at, Respect::kItemName, 20); }

columnar::StringCell NexmarkEvents::description(NexmarkPlace at) const { return text(at, Respect::kDescription, 100); }

int64_t NexmarkEvents::initial_bid(NexmarkPlace at) const {
  Draws random = draws(at, Respect::kInitialBid);
  return draw_price(random);
}

int64_t NexmarkEvents::reserve(NexmarkPlace at) const {
  Draws random = draws(at, Respect::kReserve);
  return initial_bid(at) + draw_price(random);
}

int64_t NexmarkEvents::expires_us(NexmarkPlace at) const {
  // On average when as many auctions as are in flight have come.
  const int64_t events = kAuctionsInFlight * round_events_ / options_.auction_proportion;
  const int64_t horizon_ms = (time_us(at.event + events) - event_time_us(at)) / 1000;
  return event_time_us(at) + (1 + draws(at, Respect::kExpires).below(std::max<int64_t>(horizon_ms * 2, 1))) * 1000;
}

int64_t NexmarkEvents::seller(NexmarkPlace at) const {
  Draws random = draws(at, Respect::kSeller);
  const bool hot = random.below(options_.hot_seller_ratio) > 0;
  return kFirstId + (hot ? last_person(at) / kHotEvery * kHotEvery : active_person(at, random));
}

int64_t NexmarkEvents::category(NexmarkPlace at) const {
  return kFirstCategory + draws(at, Respect::kCategory).below(kCategories);
}

columnar::StringCell NexmarkEvents::auction_extra(NexmarkPlace at) const {
  const size_t size = 8 + item_name(at).size() + description(at).size() + 5 * 8;
  return filler(at, Respect::kAuctionExtra, size, options_.auction_avg_size);
}

// --- bids ---

int64_t NexmarkEvents::bid_auction(NexmarkPlace at) const {
  Draws random = draws(at, Respect::kBidAuction);
  const bool hot = random.below(options_.hot_auction_ratio) > 0;
  return kFirstId + (hot ? last_auction(at) / kHotEvery * kHotEvery : active_auction(at, random));
}

int64_t NexmarkEvents::bidder(NexmarkPlace at) const {
  Draws random = draws(at, Respect::kBidder);
  const bool hot = random.below(options_.hot_bidder_ratio) > 0;
  // Not the hot seller; and as in the public generator, the first id is added twice.
  return 2 * kFirstId + (hot ? last_person(at) / kHotEvery * kHotEvery + 1 : active_person(at, random));
}

int64_t NexmarkEvents::price(NexmarkPlace at) const {
  Draws random = draws(at, Respect::kPrice);
  return draw_price(random);
}

// Among channels_ and urls_: half of the bids come by one of the hot channels, which stand behind the others.
size_t NexmarkEvents::channel_number(NexmarkPlace at) const {
  Draws random = draws(at, Respect::kChannel);
  if (random.below(kHotChannelRatio) > 0) return kChannels + static_cast<size_t>(random.below(kHotChannels.size()));
  return static_cast<size_t>(random.below(kChannels));
}

columnar::StringCell NexmarkEvents::bid_extra(NexmarkPlace at) const {
  return filler(at, Respect::kBidExtra, 4 * 8, options_.bid_avg_size);
}

}  // namespace penstock::connector
