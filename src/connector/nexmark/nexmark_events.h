// The events of the Nexmark benchmark by number: persons, auctions and bids with the proportions, ids, hot keys and
// distributions of its public generator (github.com/nexmark/nexmark). What is random is a hash of the seed and the
// event's number, so any event can be had again, on any machine.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "columnar/column.h"
#include "connector/datagen/random_bits.h"

namespace penstock::connector {

enum class NexmarkKind : uint8_t { kPerson = 0, kAuction = 1, kBid = 2 };

struct NexmarkOptions {
  int64_t seed = 0;
  int64_t base_time_us = 1'436'918'400'000'000;  // 2015-07-15 00:00:00, that of the first event
  int64_t events_per_second = 10'000;            // of event time
  // Of so many events in a row so many are of a kind.
  int64_t person_proportion = 1;
  int64_t auction_proportion = 3;
  int64_t bid_proportion = 46;
  // One in so many is not for, or of, a hot one.
  int64_t hot_auction_ratio = 2;
  int64_t hot_bidder_ratio = 4;
  int64_t hot_seller_ratio = 4;
  // Bytes of an event, which its field `extra` fills up to.
  int64_t person_avg_size = 200;
  int64_t auction_avg_size = 500;
  int64_t bid_avg_size = 100;
};

// Where an event stands: its number, the round of all proportions that it is in, and its place there.
struct NexmarkPlace {
  int64_t event;
  int64_t round;
  int64_t offset;
};

// Immutable.
class NexmarkEvents {
 public:
  using StringCell = columnar::StringCell;

  explicit NexmarkEvents(const NexmarkOptions& options);

  NexmarkPlace place_of(int64_t event) const {
    return {.event = event, .round = event / round_events_, .offset = event % round_events_};
  }
  NexmarkPlace next(NexmarkPlace at) const {
    if (at.offset + 1 < round_events_) return {.event = at.event + 1, .round = at.round, .offset = at.offset + 1};
    return {.event = at.event + 1, .round = at.round + 1, .offset = 0};
  }
  NexmarkKind kind(NexmarkPlace at) const {
    if (at.offset < options_.person_proportion) return NexmarkKind::kPerson;
    return at.offset < options_.person_proportion + options_.auction_proportion ? NexmarkKind::kAuction
                                                                                : NexmarkKind::kBid;
  }
  // Microseconds since 1970, of whole milliseconds.
  int64_t time_us(int64_t event) const {
    return options_.base_time_us + static_cast<int64_t>(static_cast<double>(event) * delay_us_) / 1000 * 1000;
  }
  int64_t event_time_us(NexmarkPlace at) const { return time_us(at.event); }

  // Of a person.
  int64_t person_id(NexmarkPlace at) const { return last_person(at) + kFirstId; }
  StringCell person_name(NexmarkPlace at) const;
  StringCell email(NexmarkPlace at, columnar::StringHeap& heap) const;
  StringCell credit_card(NexmarkPlace at, columnar::StringHeap& heap) const;
  StringCell city(NexmarkPlace at) const;
  StringCell state(NexmarkPlace at) const;
  StringCell person_extra(NexmarkPlace at) const;

  // Of an auction.
  int64_t auction_id(NexmarkPlace at) const { return last_auction(at) + kFirstId; }
  StringCell item_name(NexmarkPlace at) const;
  StringCell description(NexmarkPlace at) const;
  int64_t initial_bid(NexmarkPlace at) const;
  int64_t reserve(NexmarkPlace at) const;
  int64_t expires_us(NexmarkPlace at) const;
  int64_t seller(NexmarkPlace at) const;
  int64_t category(NexmarkPlace at) const;
  StringCell auction_extra(NexmarkPlace at) const;

  // Of a bid.
  int64_t bid_auction(NexmarkPlace at) const;
  int64_t bidder(NexmarkPlace at) const;
  int64_t price(NexmarkPlace at) const;
  StringCell channel(NexmarkPlace at) const { return channels_[channel_number(at)]; }
  StringCell url(NexmarkPlace at) const { return urls_[channel_number(at)]; }
  StringCell bid_extra(NexmarkPlace at) const;

 private:
  static constexpr int64_t kFirstId = 1000;

  // What is drawn for an event in one respect.
  class Draws {
   public:
    Draws(uint64_t seed, int64_t event) : seed_(seed), event_(static_cast<uint64_t>(event)) {}
    // In [0, span).
    int64_t below(int64_t span) { return static_cast<int64_t>(scaled(bits(), static_cast<uint64_t>(span))); }
    uint64_t bits() { return random_bits(seed_ += 0xd1b54a32d192ed03U, event_); }

   private:
    uint64_t seed_;
    uint64_t event_;
  };
  enum class Respect : uint8_t;
  static constexpr size_t kRespects = 20;
  Draws draws(NexmarkPlace at, Respect respect) const { return {seeds_[static_cast<size_t>(respect)], at.event}; }

  // The ids (from 0) of the last person and auction up to this event, and random ones that are active.
  int64_t last_person(NexmarkPlace at) const;
  int64_t last_auction(NexmarkPlace at) const;
  int64_t active_person(NexmarkPlace at, Draws& random) const;
  int64_t active_auction(NexmarkPlace at, Draws& random) const;

  int64_t draw_price(Draws& random) const;
  // Letters that make a size up to about `average`.
  StringCell filler(NexmarkPlace at, Respect respect, size_t size, int64_t average) const;
  // Some of words_, of 3 to `longest` - 1 characters before it is trimmed.
  StringCell text(NexmarkPlace at, Respect respect, int64_t longest) const;
  static std::string make_url(Draws& random);
  size_t channel_number(NexmarkPlace at) const;

  const NexmarkOptions options_;
  const int64_t round_events_;
  const double delay_us_;
  std::array<uint64_t, kRespects> seeds_{};
  std::string letters_;         // what fillers are cut from
  std::string words_;           // likewise, with spaces
  std::vector<double> powers_;  // 10^0 ... 10^6, evenly
  columnar::StringHeap heap_;   // of the following
  std::vector<StringCell> names_;
  std::vector<StringCell> channels_;
  std::vector<StringCell> urls_;
};

}  // namespace penstock::connector
