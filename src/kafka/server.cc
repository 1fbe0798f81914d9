#include "kafka/server.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "base/logging.h"
#include "base/time.h"
#include "kafka/broker/broker.h"
#include "kafka/broker/dispatch.h"
#include "kafka/connection.h"
#include "net/blocking_pool.h"
#include "net/event_loop.h"
#include "net/listener.h"

namespace penstock::kafka {
namespace {

// An event loop and the server's blocking threads.
class LoopExecutor : public Executor {
 public:
  LoopExecutor(std::shared_ptr<net::EventLoop> loop, net::BlockingPool& pool) : loop_(std::move(loop)), pool_(pool) {}

  void post(Task task) override { loop_->post(std::move(task)); }
  void run_after(std::chrono::milliseconds delay, Task task) override { loop_->run_after(delay, std::move(task)); }
  std::unique_ptr<Timer> start_timer(std::chrono::milliseconds delay, Task task) override {
    return std::make_unique<LoopTimer>(loop_->start_timer(delay, std::move(task)));
  }
  void run_blocking(Task task) override { pool_.submit(std::move(task)); }

 private:
  struct LoopTimer : Timer {
    explicit LoopTimer(std::unique_ptr<net::asio::steady_timer> timer) : timer(std::move(timer)) {}
    std::unique_ptr<net::asio::steady_timer> timer;
  };

  const std::shared_ptr<net::EventLoop> loop_;
  net::BlockingPool& pool_;  // used from the loop only, so while the server lives
};

CoordinatorOptions coordinator_options(const KafkaServerOptions& options) {
  return {.group = {.initial_rebalance_delay_ms = options.group_initial_rebalance_delay.count(),
                    .members_max = options.group_members_max},
          .session_timeout_min_ms = options.group_session_timeout_min.count(),
          .session_timeout_max_ms = options.group_session_timeout_max.count(),
          .groups_max = options.groups_max};
}

}  // namespace

class KafkaServer::Impl {
 public:
  Impl(log::Log& log, KafkaServerOptions options)
      : log_(log),
        options_(std::move(options)),
        metrics_(options_.metrics != nullptr ? *options_.metrics : own_metrics_),
        loops_("kafka", options_.threads),
        pool_(std::make_unique<net::BlockingPool>("kafka-blocking", options_.blocking_threads)) {}

  // First nothing comes in, then nothing runs, then goes what it ran on.
  ~Impl() {
    listener_.reset();
    loops_.stop();
    pool_.reset();
  }

  Status start() {
    const auto endpoint = PENSTOCK_TRY(net::parse_endpoint(options_.listen));
    listener_ = PENSTOCK_TRY(net::Listener::bind(loops_, {.name = "kafka",
                                                          .listen = endpoint,
                                                          .connections_max = options_.connections_max,
                                                          .descriptors_max = options_.descriptors_max,
                                                          .metrics = &metrics_}));
    make_broker(endpoint.host);
    listener_->serve([this](const std::shared_ptr<net::Connection>& connection) { return serve(connection); });
    return {};
  }

  void shutdown(std::chrono::milliseconds timeout) { listener_->shutdown(timeout); }

  const net::Listener& listener() const { return *listener_; }

 private:
  void make_broker(const std::string& listen_host) {
    std::string host = options_.advertise_host;
    if (host.empty()) host = listen_host.empty() ? "localhost" : listen_host;
    auto timers = std::make_shared<LoopExecutor>(loops_.first().shared_from_this(), *pool_);
    broker_ = std::shared_ptr<Broker>(new Broker{
        .log = log_,
        .options = options_,
        .host = std::move(host),
        .port = options_.advertise_port != 0 ? options_.advertise_port : listener_->port(),
        .metrics = BrokerMetrics(metrics_),
        .topic_ids = TopicIds(log_),
        // One request of any allowed size must fit.
        .request_memory = MemoryBudget(
            "kafka requests", std::max(options_.requests_bytes_max, options_.request_bytes_max), options_.memory),
        .response_memory = MemoryBudget("kafka responses", options_.responses_bytes_max, options_.memory),
        .coordinator = std::make_shared<GroupCoordinator>(log_, std::move(timers), coordinator_options(options_),
                                                          [] { return monotonic_time_us() / 1000; })});
    register_api_metrics(broker_->metrics, metrics_);
    watch("penstock_kafka_request_bytes", "Requests that are read or worked on", &Broker::request_memory);
    watch("penstock_kafka_response_bytes", "Responses that are made or wait to be written", &Broker::response_memory);
  }

  void watch(std::string_view name, std::string_view help, MemoryBudget Broker::* memory) {
    metrics_.callback(name, help, {}, [weak = std::weak_ptr(broker_), memory] {
      const auto broker = weak.lock();
      return broker != nullptr ? static_cast<double>((*broker.*memory).used_bytes()) : 0;
    });
  }

  net::awaitable<void> serve(std::shared_ptr<net::Connection> connection) {
    Loop loop = loop_of(connection->loop());
    const auto served = std::make_shared<KafkaConnection>(*broker_, std::move(loop), std::move(connection));
    co_await served->run();
  }

  // What its connections share; made with the first.
  Loop loop_of(net::EventLoop& event_loop) {
    const std::lock_guard lock(loops_mutex_);
    Loop& loop = by_event_loop_[&event_loop];
    if (loop.executor == nullptr) {
      loop.executor = std::make_shared<LoopExecutor>(event_loop.shared_from_this(), *pool_);
      loop.appends = std::make_shared<AppendGatherer>(log_, loop.executor);
    }
    return loop;
  }

  log::Log& log_;
  const KafkaServerOptions options_;
  MetricsRegistry own_metrics_;
  MetricsRegistry& metrics_;
  net::EventLoopPool loops_;
  std::unique_ptr<net::BlockingPool> pool_;
  std::shared_ptr<Broker> broker_;
  std::mutex loops_mutex_;
  std::map<const net::EventLoop*, Loop> by_event_loop_;
  std::unique_ptr<net::Listener> listener_;
};

Result<std::unique_ptr<KafkaServer>> KafkaServer::start(log::Log& log, KafkaServerOptions options) {
  auto impl = std::make_unique<Impl>(log, std::move(options));
  PENSTOCK_TRY(impl->start());
  return std::unique_ptr<KafkaServer>(new KafkaServer(std::move(impl)));
}

KafkaServer::KafkaServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

KafkaServer::~KafkaServer() = default;

std::string KafkaServer::address() const { return impl_->listener().address(); }

int KafkaServer::port() const { return impl_->listener().port(); }

void KafkaServer::shutdown(std::chrono::milliseconds timeout) { impl_->shutdown(timeout); }

}  // namespace penstock::kafka
