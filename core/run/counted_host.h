// CountedHost: a host that counts what it was made to do.
#pragma once

#include <atomic>
#include <memory>

#include "facet/host.h"

namespace facet {

class CountedHost final : public HostModel {
 public:
  explicit CountedHost(std::shared_ptr<HostModel> host) : host_(std::move(host)) {}

  const HostInfo& info() const override { return host_->info(); }
  Tokens tokenize(std::span<const std::string> texts) const override {
    return host_->tokenize(texts);
  }
  std::string text(std::span<const int64_t> ids) const override { return host_->text(ids); }
  std::unique_ptr<Decoding> decoding() override { return host_->decoding(); }
  std::optional<Unembedding> unembedding() override { return host_->unembedding(); }
  Logits forward(const Tokens& tokens, std::span<const Hook> hooks, Want want,
                 Decoding* decoding) override {
    ++passes_;
    tokens_ += tokens.id.size(0);
    return host_->forward(tokens, hooks, want, decoding);
  }

  int64_t passes() const { return passes_; }
  int64_t tokens() const { return tokens_; }

 private:
  std::shared_ptr<HostModel> host_;
  std::atomic<int64_t> passes_ = 0, tokens_ = 0;  // rows are made ahead on another thread
};

}  // namespace facet
