// Makes table entries from handlers' functions. Included by handlers.cc alone.
#pragma once

#include <type_traits>
#include <utility>

#include "kafka/broker/handlers.h"
#include "kafka/protocol/codec_impl.h"

namespace penstock::kafka {
namespace internal {

// Visits a response and looks for an error code.
class ErrorFinder {
 public:
  template <class T>
  void operator()(const T& value, protocol::Field = {}) {
    look(value);
  }
  bool found() const { return found_; }

 private:
  template <class T>
  void look(const T& value) {
    if constexpr (std::is_same_v<T, protocol::KafkaError>) {
      found_ |= value != protocol::KafkaError::kNone;
    } else if constexpr (protocol::internal::kIsVector<T>) {
      if constexpr (std::is_class_v<typename T::value_type>) {
        for (const auto& element : value) look(element);
      }
    } else if constexpr (requires { T::fields(*this, value); }) {
      T::fields(*this, value);
    }
  }

  bool found_ = false;
};

// What a handler's function takes and gives.
template <class Function>
struct Signature;
template <class Res, class Req>
struct Signature<Res (*)(RequestContext&, const Req&)> {
  using Request = Req;
};
template <class Req, class Res>
struct Signature<void (*)(const ContextPtr&, Req, Reply<Res>)> {
  using Request = Req;
};

// Decodes the body, or closes the connection.
template <class Request, class Use>
void with_request(const ContextPtr& context, Use use) {
  auto request = protocol::Codec<Request>::decode(context->body, context->version());
  if (!request) return context->finish(std::move(request).error());
  use(*std::move(request));
}

}  // namespace internal

template <class Response>
void Reply<Response>::operator()(const Response& response) const {
  if (context_->finished()) return;
  internal::ErrorFinder errors;
  Response::fields(errors, response);
  if (errors.found()) context_->metrics.errors.add();
  context_->finish(protocol::encode_response(response, context_->version(), context_->header.prefix.correlation_id));
}

// Answers on the loop.
template <auto kFunction>
constexpr Handler immediate() {
  using Request = typename internal::Signature<decltype(kFunction)>::Request;
  return {.api = &Request::kApi, .run = [](const ContextPtr& context) {
            internal::with_request<Request>(context, [&](const Request& request) {
              Reply<typename Request::Response>{context}(kFunction(*context, request));
            });
          }};
}

// Works on a blocking thread and answers on the loop.
template <auto kFunction>
constexpr Handler blocking() {
  using Request = typename internal::Signature<decltype(kFunction)>::Request;
  return {.api = &Request::kApi, .run = [](const ContextPtr& context) {
            internal::with_request<Request>(context, [&](Request request) {
              context->executor->run_blocking([context, request = std::move(request)] {
                context->executor->post([context, response = kFunction(*context, request)] {
                  Reply<typename Request::Response>{context}(response);
                });
              });
            });
          }};
}

// Answers when it likes.
template <auto kFunction>
constexpr Handler deferred(bool pipelined = false) {
  using Request = typename internal::Signature<decltype(kFunction)>::Request;
  return {.api = &Request::kApi, .pipelined = pipelined, .run = [](const ContextPtr& context) {
            internal::with_request<Request>(context, [&](Request request) {
              kFunction(context, std::move(request), Reply<typename Request::Response>{context});
            });
          }};
}

}  // namespace penstock::kafka
