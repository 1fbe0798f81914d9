#include "exec/input_gate.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>

namespace penstock::exec {
namespace {

columnar::ChangeBatch one_row(int64_t value) {
  columnar::BatchBuilder builder({types::TypeKind::kBigInt});
  builder.column(0).append_int64(value);
  builder.end_row();
  return builder.finish();
}

class Channels {
 public:
  explicit Channels(const std::vector<size_t>& instances_by_port, size_t messages_max = 64, bool in_step = false) {
    for (size_t instances : instances_by_port) {
      std::vector<InputGate::Input>& port = ports.emplace_back();
      for (size_t i = 0; i < instances; ++i) {
        port.push_back({.step = in_step ? 0 : all.size()});
        port.back().channel = all.emplace_back(std::make_unique<Channel>(messages_max)).get();
      }
    }
  }
  void push(size_t channel, Message message) { ASSERT_TRUE(all[channel]->try_push(message)); }

  std::vector<std::unique_ptr<Channel>> all;
  std::vector<std::vector<InputGate::Input>> ports;
};

// "data <port> <value>", "watermark <time>[ idle]", "barrier <epoch>", "end", or "nothing".
std::string describe(const std::optional<InputGate::Event>& event) {
  if (!event) return "nothing";
  if (const auto* batch = std::get_if<columnar::ChangeBatch>(&event->message)) {
    return fmt::format("data {} {}", event->port, batch->column(0)->values<int64_t>()[0]);
  }
  EXPECT_EQ(event->port, InputGate::kAllPorts);
  if (const auto* watermark = std::get_if<Watermark>(&event->message)) {
    if (watermark->time == kMaxEventTime) return "watermark max";
    return fmt::format("watermark {}{}", watermark->time.value(), watermark->idle ? " idle" : "");
  }
  if (const auto* barrier = std::get_if<Barrier>(&event->message)) {
    return fmt::format("barrier {}", barrier->epoch.value());
  }
  return "end";
}

TEST(InputGate, RowsAfterABarrierWaitForTheOtherChannels) {
  Channels channels({1, 1});
  InputGate gate(channels.ports);
  channels.push(0, Barrier{Epoch(1)});
  channels.push(0, one_row(2));
  EXPECT_EQ(describe(gate.poll()), "nothing");
  channels.push(1, one_row(1));
  EXPECT_EQ(describe(gate.poll()), "data 1 1");
  EXPECT_EQ(describe(gate.poll()), "nothing");
  channels.push(1, Barrier{Epoch(1)});
  EXPECT_EQ(describe(gate.poll()), "barrier 1");
  EXPECT_EQ(describe(gate.poll()), "data 0 2");
}

TEST(InputGate, APortThatIsLoadedIsReadAloneUntilItIsAtTheEndOfTime) {
  Channels channels({1, 2});
  InputGate gate(channels.ports, 1);
  channels.push(0, one_row(1));
  channels.push(0, Watermark{EventTime(5)});
  EXPECT_EQ(describe(gate.poll()), "nothing");
  channels.push(1, one_row(2));
  channels.push(1, Watermark{kMaxEventTime});
  EXPECT_EQ(describe(gate.poll()), "data 1 2");
  EXPECT_EQ(describe(gate.poll()), "nothing");
  channels.push(2, EndOfInput{});
  EXPECT_EQ(describe(gate.poll()), "data 0 1");
  EXPECT_EQ(describe(gate.poll()), "watermark 5");
  channels.push(0, one_row(3));
  channels.push(1, one_row(4));
  std::set<std::string> rest = {describe(gate.poll()), describe(gate.poll())};
  EXPECT_EQ(rest, (std::set<std::string>{"data 0 3", "data 1 4"}));
}

TEST(InputGate, WatermarkIsTheLeastOfTheActiveChannels) {
  Channels channels({2});
  InputGate gate(channels.ports);
  channels.push(0, Watermark{EventTime(10)});
  EXPECT_EQ(describe(gate.poll()), "nothing");
  channels.push(1, Watermark{EventTime(5)});
  EXPECT_EQ(describe(gate.poll()), "watermark 5");
  channels.push(1, Watermark{.time = EventTime(5), .idle = true});
  EXPECT_EQ(describe(gate.poll()), "watermark 10");
  // Back again, but late: the merged watermark does not go back.
  channels.push(1, Watermark{EventTime(6)});
  EXPECT_EQ(describe(gate.poll()), "nothing");
  channels.push(0, Watermark{.time = EventTime(20), .idle = true});
  EXPECT_EQ(describe(gate.poll()), "nothing");
  channels.push(1, Watermark{.time = EventTime(6), .idle = true});
  EXPECT_EQ(describe(gate.poll()), "watermark 20 idle");
  channels.push(0, Watermark{EventTime(30)});
  EXPECT_EQ(describe(gate.poll()), "watermark 30");
}

TEST(InputGate, TheOrderInWhichChannelsBecomeIdleDoesNotMatter) {
  for (const bool first : {false, true}) {
    Channels channels({2});
    InputGate gate(channels.ports);
    channels.push(0, Watermark{EventTime(10)});
    if (first) channels.push(0, Watermark{.time = EventTime(10), .idle = true});
    channels.push(1, Watermark{.time = kMinEventTime, .idle = true});
    if (!first) channels.push(0, Watermark{.time = EventTime(10), .idle = true});
    std::string last;
    for (std::string event = describe(gate.poll()); event != "nothing"; event = describe(gate.poll())) last = event;
    EXPECT_EQ(last, "watermark 10 idle");
  }
}

TEST(InputGate, OfTwoIdlePortsTheLeastCounts) {
  Channels channels({2, 1});
  InputGate gate(channels.ports);
  channels.push(0, Watermark{.time = EventTime(10), .idle = true});
  channels.push(1, Watermark{.time = EventTime(30), .idle = true});
  channels.push(2, Watermark{.time = EventTime(20), .idle = true});
  std::string last;
  for (std::string event = describe(gate.poll()); event != "nothing"; event = describe(gate.poll())) last = event;
  EXPECT_EQ(last, "watermark 20 idle");
}

TEST(InputGate, AnEndedChannelHoldsNothingBack) {
  Channels channels({1, 1});
  InputGate gate(channels.ports);
  channels.push(0, Watermark{EventTime(7)});
  channels.push(1, EndOfInput{});
  channels.push(0, Barrier{Epoch(1)});
  EXPECT_EQ(describe(gate.poll()), "watermark 7");
  EXPECT_EQ(describe(gate.poll()), "barrier 1");
  channels.push(0, EndOfInput{});
  EXPECT_EQ(describe(gate.poll()), "end");
  EXPECT_EQ(describe(gate.poll()), "nothing");
}

TEST(InputGate, AnEndLetsAWaitingBarrierAndWatermarkGo) {
  Channels channels({1, 1});
  InputGate gate(channels.ports);
  channels.push(0, Watermark{EventTime(7)});
  channels.push(0, Barrier{Epoch(1)});
  EXPECT_EQ(describe(gate.poll()), "nothing");
  channels.push(1, EndOfInput{});
  EXPECT_EQ(describe(gate.poll()), "barrier 1");
  EXPECT_EQ(describe(gate.poll()), "watermark 7");
}

TEST(InputGate, OneChannelAtTheEndOfTimeAndOneIdleAreNotTheEndOfTime) {
  Channels channels({1, 1});
  InputGate gate(channels.ports);
  channels.push(0, Watermark{kMaxEventTime});
  channels.push(1, Watermark{.time = EventTime(3), .idle = true});
  EXPECT_EQ(describe(gate.poll()), "watermark 3 idle");
  channels.push(1, Watermark{EventTime(4)});
  EXPECT_EQ(describe(gate.poll()), "watermark 4");
  channels.push(1, Watermark{kMaxEventTime});
  EXPECT_EQ(describe(gate.poll()), "watermark max");
}

TEST(InputGate, ChannelsInStepWaitForEachOtherAtAWatermark) {
  Channels channels({1, 1}, 64, true);
  InputGate gate(channels.ports);
  channels.push(0, Watermark{EventTime(5)});
  channels.push(0, one_row(1));
  EXPECT_EQ(describe(gate.poll()), "nothing");
  channels.push(1, one_row(2));
  EXPECT_EQ(describe(gate.poll()), "data 1 2");
  channels.push(1, Watermark{EventTime(5)});
  EXPECT_EQ(describe(gate.poll()), "watermark 5");
  EXPECT_EQ(describe(gate.poll()), "data 0 1");
}

TEST(InputGate, ABarrierAndAnEndLetTheOthersInStepGoOn) {
  Channels channels({1, 2}, 64, true);
  InputGate gate(channels.ports);
  channels.push(0, Watermark{EventTime(5)});
  channels.push(0, Barrier{Epoch(1)});
  channels.push(1, Barrier{Epoch(1)});
  EXPECT_EQ(describe(gate.poll()), "nothing");
  channels.push(2, EndOfInput{});
  EXPECT_EQ(describe(gate.poll()), "barrier 1");
  channels.push(0, one_row(1));
  EXPECT_EQ(describe(gate.poll()), "nothing");
  channels.push(1, Watermark{EventTime(5)});
  EXPECT_EQ(describe(gate.poll()), "watermark 5");
  EXPECT_EQ(describe(gate.poll()), "data 0 1");
}

// A source that goes on told the others so, too: what they bring is not behind what only one has brought.
TEST(InputGate, ChannelsInStepAreIdleTogether) {
  Channels channels({1, 1}, 64, true);
  InputGate gate(channels.ports);
  channels.push(0, Watermark{EventTime(5)});
  channels.push(1, Watermark{EventTime(5)});
  EXPECT_EQ(describe(gate.poll()), "watermark 5");
  channels.push(0, Watermark{.time = EventTime(5), .idle = true});
  EXPECT_EQ(describe(gate.poll()), "nothing");
  channels.push(1, Watermark{.time = EventTime(5), .idle = true});
  EXPECT_EQ(describe(gate.poll()), "watermark 5 idle");
  channels.push(0, one_row(1));
  channels.push(0, Watermark{EventTime(6)});
  EXPECT_EQ(describe(gate.poll()), "data 0 1");
  EXPECT_EQ(describe(gate.poll()), "watermark 5");
  channels.push(1, one_row(2));
  EXPECT_EQ(describe(gate.poll()), "data 1 2");
  channels.push(1, Watermark{EventTime(6)});
  EXPECT_EQ(describe(gate.poll()), "watermark 6");
}

// However the messages interleave, a row meets the watermark that all channels had sent before it.
TEST(InputGate, InStepARowMeetsTheWatermarkOfItsOwnChannel) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    std::mt19937_64 random(seed);
    const std::vector<size_t> instances = {1 + random() % 2, 1 + random() % 2, random() % 2};
    Channels channels(instances, 1 + random() % 4, true);
    InputGate gate(channels.ports);
    std::vector<std::deque<Message>> scripts(channels.all.size());
    size_t rows = 0;
    for (int64_t watermark = 1; watermark <= 20; ++watermark) {
      const bool barrier = random() % 4 == 0;
      for (std::deque<Message>& script : scripts) {
        script.push_back(Watermark{EventTime(watermark)});
        for (uint64_t i = random() % 3; i > 0; --i, ++rows) script.push_back(one_row(watermark));
        if (barrier) script.push_back(Barrier{Epoch(watermark)});
      }
    }
    for (std::deque<Message>& script : scripts) script.push_back(EndOfInput{});
    EventTime watermark = kMinEventTime;
    for (bool ended = false; !ended;) {
      std::deque<Message>& script = scripts[random() % scripts.size()];
      Channel& channel = *channels.all[static_cast<size_t>(&script - scripts.data())];
      for (uint64_t i = random() % 4; i > 0 && !script.empty() && channel.try_push(script.front()); --i) {
        script.pop_front();
      }
      while (const std::optional<InputGate::Event> event = gate.poll()) {
        if (const auto* batch = std::get_if<columnar::ChangeBatch>(&event->message)) {
          EXPECT_EQ(batch->column(0)->values<int64_t>()[0], watermark.value()) << "seed " << seed;
          --rows;
        } else if (const auto* merged = std::get_if<Watermark>(&event->message)) {
          watermark = merged->time;
        } else if (std::holds_alternative<EndOfInput>(event->message)) {
          ended = true;
        }
      }
    }
    EXPECT_EQ(rows, 0U) << "seed " << seed;
  }
}

// However the channels' messages interleave, each epoch has the same rows and each row sees a watermark no higher than
// what its own channel had sent.
TEST(InputGate, AnyInterleavingGivesTheSameEpochs) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    std::mt19937_64 random(seed);
    const std::vector<size_t> instances = {1 + random() % 3, 1 + random() % 2};
    Channels channels(instances, 1 + random() % 4);
    InputGate gate(channels.ports);
    // What each channel is going to send; a row carries the watermark that its channel had sent before it.
    std::vector<std::deque<Message>> scripts(channels.all.size());
    std::map<int64_t, std::multiset<int64_t>> expected;
    const int64_t epochs = 1 + static_cast<int64_t>(random() % 5);
    for (std::deque<Message>& script : scripts) {
      int64_t watermark = 0;
      for (int64_t epoch = 1; epoch <= epochs; ++epoch) {
        for (uint64_t i = random() % 6; i > 0; --i) {
          if (random() % 3 == 0) {
            watermark += static_cast<int64_t>(random() % 5);
            script.push_back(Watermark{.time = EventTime(watermark), .idle = random() % 4 == 0});
          } else {
            script.push_back(one_row(watermark));
            expected[epoch].insert(watermark);
          }
        }
        script.push_back(epoch == epochs ? Message(EndOfInput{}) : Message(Barrier{Epoch(epoch)}));
      }
    }
    std::map<int64_t, std::multiset<int64_t>> actual;
    int64_t epoch = 1;
    EventTime watermark = kMinEventTime;
    bool ended = false;
    while (!ended) {
      const size_t channel = random() % scripts.size();
      for (uint64_t i = random() % 4; i > 0 && !scripts[channel].empty(); --i) {
        if (!channels.all[channel]->try_push(scripts[channel].front())) break;
        scripts[channel].pop_front();
      }
      for (uint64_t i = random() % 4; i > 0 && !ended; --i) {
        std::optional<InputGate::Event> event = gate.poll();
        if (!event) break;
        if (const auto* batch = std::get_if<columnar::ChangeBatch>(&event->message)) {
          actual[epoch].insert(batch->column(0)->values<int64_t>()[0]);
        } else if (const auto* merged = std::get_if<Watermark>(&event->message)) {
          EXPECT_GE(merged->time, watermark);
          watermark = merged->time;
        } else if (const auto* barrier = std::get_if<Barrier>(&event->message)) {
          EXPECT_EQ(barrier->epoch, Epoch(epoch++));
        } else {
          ended = true;
        }
      }
    }
    EXPECT_EQ(epoch, epochs);
    EXPECT_EQ(actual, expected) << "seed " << seed;
  }
}

}  // namespace
}  // namespace penstock::exec
