// The bodies of the GPU's kernels, run on the CPU: a team's threads are threads, and wait for each
// other where a GPU's do.
#pragma once

#include <atomic>
#include <barrier>
#include <memory>
#include <thread>
#include <vector>

#include "tensor/cuda/row_bodies.h"
#include "tensor/cuda/row_kernels.h"
#include "tensor/cuda/select_body.h"

namespace facet {

/// What the threads of one team share.
class HostTeam {
 public:
  explicit HostTeam(int size)
      : barrier_(size), numbers_(static_cast<size_t>(size)), floats_(static_cast<size_t>(size)) {}

  /// One thread of it.
  class Member {
   public:
    Member(HostTeam& team, int rank) : team_(team), rank_(rank) {}
    int rank() const { return rank_; }
    int size() const { return static_cast<int>(team_.numbers_.size()); }
    void sync() const { team_.barrier_.arrive_and_wait(); }
    void add(int32_t* at, int32_t x) const { std::atomic_ref<int32_t>(*at).fetch_add(x); }
    bool any(bool x) const {
      int32_t total = 0;
      before(x ? 1 : 0, &total);
      return total > 0;
    }
    int32_t before(int32_t x, int32_t* total) const {
      const std::vector<int32_t>& all = shown(team_.numbers_, x);
      int32_t lower = 0;
      *total = 0;
      for (int other = 0; other < size(); ++other) {
        if (other < rank_) lower += all[static_cast<size_t>(other)];
        *total += all[static_cast<size_t>(other)];
      }
      return lower;
    }
    float sum(float x) const {
      float total = 0;
      for (const float one : shown(team_.floats_, x)) total += one;
      return total;
    }

   private:
    // What all members show; they may read it until they show something again.
    template <class T>
    const std::vector<T>& shown(std::vector<T>& all, T mine) const {
      sync();
      all[static_cast<size_t>(rank_)] = mine;
      sync();
      return all;
    }
    HostTeam& team_;
    int rank_;
  };

  /// Calls body(member) for each thread of a team of this size, at the same time.
  template <class Body>
  static void run(int size, const Body& body) {
    HostTeam team(size);
    std::vector<std::jthread> others;
    for (int rank = 1; rank < size; ++rank)
      others.emplace_back([&team, &body, rank] { body(Member(team, rank)); });
    body(Member(team, 0));
  }

 private:
  std::barrier<> barrier_;
  std::vector<int32_t> numbers_;
  std::vector<float> floats_;
};

namespace host_kernels {

template <int Threads, class Body>
const char* each_team(int64_t n, const Body& body) {
  HostTeam::run(Threads, [&](HostTeam::Member member) {
    for (int64_t i = 0; i < n; ++i) body(member, i);
  });
  return nullptr;
}

template <class Work>
const char* each(const Work& work, int64_t n) {
  for (int64_t i = 0; i < n; ++i) bodies::run(work, i);
  return nullptr;
}

template <int Threads, class Work>
const char* each_row(const Work& work, int64_t n) {
  return each_team<Threads>(n, [&](auto& member, int64_t i) { bodies::run(member, work, i); });
}

template <int Threads>
const char* keep_largest(const GpuPlace&, const KeepLargest& work) {
  const auto scratch = std::make_unique<bodies::SelectScratch>();
  return each_team<Threads>(work.rows, [&](auto& member, int64_t i) {
    bodies::run(member, *scratch, work, i);
    member.sync();
  });
}

}  // namespace host_kernels

/// Kernels that run on the CPU, their teams of `Threads` threads.
template <int Threads>
constexpr RowKernels kHostKernels = {
    host_kernels::keep_largest<Threads>,
    [](const GpuPlace&, const DecodedRows& work) {
      return host_kernels::each(work, work.rows * work.d);
    },
    [](const GpuPlace&, const EntryDots& work) {
      return host_kernels::each_row<Threads>(work, work.entries);
    },
    [](const GpuPlace&, const LatentSums& work) {
      return host_kernels::each(work, work.latents * work.d);
    },
    [](const GpuPlace&, const AdamStep& work) { return host_kernels::each(work, work.n); },
    [](const GpuPlace&, const UnitRows& work) {
      return host_kernels::each_row<Threads>(work, work.rows);
    },
    [](const GpuPlace&, const ProjectedRows& work) {
      return host_kernels::each_row<Threads>(work, work.rows);
    }};

}  // namespace facet
