// The Kafka server: real Kafka clients produce to and consume from a log::Log. Supported APIs: docs/kafka-protocol.md.
#pragma once

#include <chrono>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/memory.h"
#include "base/metrics.h"
#include "base/result.h"
#include "log/log.h"

namespace penstock::kafka {

struct KafkaServerOptions {
  std::string listen = "127.0.0.1:9092";  // port 0: any free port
  // What clients are told to connect to; empty and 0: where it listens.
  std::string advertise_host;
  int advertise_port = 0;
  int32_t node_id = 1;
  std::string cluster_id = "penstock";  // kept by the caller over restarts

  bool auto_create_topics = true;
  int32_t default_partitions = 4;
  int32_t partitions_max = 10'000;  // of one topic

  int threads = 2;
  int blocking_threads = 2;  // for what waits for the disk: creating topics, searching offsets by time
  int connections_max = 10'000;
  int descriptors_max = INT_MAX;          // of the process, above which connections are refused
  size_t request_bytes_max = 100 << 20;   // a longer frame closes its connection
  size_t pipelined_bytes_max = 64 << 20;  // of produce requests of one connection that wait for the disk
  size_t pipelined_requests_max = 128;    // likewise
  size_t response_bytes_max = 16 << 20;   // of one connection that wait for a slow reader; no request is read above it
  size_t fetch_bytes_max = 55 << 20;      // of one fetch response, whatever the client asks for
  std::chrono::milliseconds frame_timeout{60'000};  // for the rest of a request once it has begun
  std::chrono::milliseconds connection_idle_timeout{600'000};
  std::chrono::milliseconds write_timeout{60'000};  // until a slow reader takes something of its answers
  size_t requests_bytes_max = 512 << 20;   // of all connections, read or worked on; above it clients are not read
  size_t responses_bytes_max = 256 << 20;  // of all connections, until they are written; above it fetches give little

  std::chrono::milliseconds group_initial_rebalance_delay{0};
  std::chrono::milliseconds group_session_timeout_min{100};
  std::chrono::milliseconds group_session_timeout_max{1'800'000};
  size_t group_members_max = 10'000;
  size_t groups_max = 100'000;
  size_t offset_metadata_bytes_max = 4096;

  MemoryBudget* memory = nullptr;      // what these two are a part of; outlives the server
  MetricsRegistry* metrics = nullptr;  // outlives the server
};

// Owned by the program. Its own threads do all the work; the functions here may be called from any other thread.
class KafkaServer {
 public:
  // Listens and serves when it returns. `log` outlives the server.
  static Result<std::unique_ptr<KafkaServer>> start(log::Log& log, KafkaServerOptions options);
  // Shuts down at once.
  ~KafkaServer();

  // Where it listens, with the real port: "127.0.0.1:9092".
  std::string address() const;
  int port() const;

  // Stops accepting, lets requests in flight finish for as long as `timeout`, then closes. Idempotent.
  void shutdown(std::chrono::milliseconds timeout);

  class Impl;

 private:
  explicit KafkaServer(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::kafka
