// All sets against all terms: sets of one size together, shared out among threads.
#include "facet/enrichment.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <numeric>
#include <thread>

#include "facet/error.h"
#include "go/set_tests.h"

namespace facet {
namespace {

constexpr size_t kSetsAtOnce = 16;  // that a thread takes; they are of about one size

void check(const Population& population, const EnrichmentHow& how) {
  FACET_ASSERT(!how.methods.empty(), "enrichment without a method");
  for (const std::string& method : how.methods)
    if (method != "fdr") corrected(method, PValues{{1.0}, {1}}, how.alpha);  // refuses others
  if (how.elim && how.tail != Tail::greater)
    throw UserError(
        "elim looks for terms that are enriched, should be with direction = "
        "\"enriched\"");
  if (how.elim && how.scope == Scope::global)
    throw UserError("elim corrects within a set, should be without scope = \"global\"");
  if (how.elim && population.above.start.empty())
    throw UserError("elim takes units from the terms above, should be with propagation");
}

// Calls work(thread, first, end) for pieces of 0 .. items - 1; the first thread calls `breathe`
// with the number of finished items. The first exception of any thread goes on here, when all have
// ended.
class SharedOut {
 public:
  SharedOut(size_t items, size_t threads) : items_(items), threads_(threads) {}

  template <class Work, class Breathe>
  void run(const Work& work, const Breathe& breathe) {
    const auto go = [&](size_t thread) {
      try {
        while (!stop_) {
          const size_t first = next_.fetch_add(kSetsAtOnce);
          if (first >= items_) break;
          const size_t end = std::min(items_, first + kSetsAtOnce);
          work(thread, first, end);
          done_ += end - first;
          if (thread == 0) breathe(static_cast<int64_t>(done_.load()));
        }
      } catch (...) {
        if (!stop_.exchange(true)) problem_ = std::current_exception();
      }
    };
    std::vector<std::thread> others;
    for (size_t t = 1; t < threads_; ++t) others.emplace_back(go, t);
    go(0);
    for (std::thread& other : others) other.join();
    if (problem_) std::rethrow_exception(problem_);
  }

 private:
  size_t items_, threads_;
  std::atomic<size_t> next_{0}, done_{0};
  std::atomic<bool> stop_{false};
  std::exception_ptr problem_;
};

}  // namespace

std::vector<SetResult> enrichment(const Ontology& ontology, const Population& population,
                                  const UnitSets& sets, const EnrichmentHow& how, Keep keep,
                                  const std::function<void(int64_t)>& breathe) {
  check(population, how);
  const TestedTerms tested(ontology, population, how);
  const Fisher fisher(population.size());
  const auto count = static_cast<size_t>(sets.size());
  const auto begin = [&](size_t s) { return sets.unit.data() + sets.start[s]; };
  const auto size = [&](size_t s) { return sets.start[s + 1] - sets.start[s]; };
  std::vector<size_t> order(count);  // by size, so that tables are shared
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return size(a) < size(b); });

  const auto wanted = static_cast<size_t>(how.threads > 0 ? how.threads : omp_get_max_threads());
  const size_t threads =
      std::clamp<size_t>(wanted, 1, std::max<size_t>(1, count / kSetsAtOnce + 1));
  std::vector<std::unique_ptr<SetTests>> tests;
  for (size_t t = 0; t < threads; ++t)
    tests.push_back(std::make_unique<SetTests>(tested, population, fisher, how, keep));
  const auto said = [&](int64_t done) {
    if (breathe) breathe(done);
  };

  CorrectedP global;
  if (how.scope == Scope::global) {
    SharedOut(count, threads)
        .run(
            [&](size_t thread, size_t first, size_t end) {
              for (size_t i = first; i < end; ++i)
                if (size(order[i]) > 0) tests[thread]->count(begin(order[i]), size(order[i]));
            },
            [&](int64_t) { said(0); });
    CountedP all;
    for (const auto& one : tests) {
      const CountedP part = one->counted();
      all.insert(all.end(), part.begin(), part.end());
    }
    global = CorrectedP(std::move(all), how);
  }
  std::vector<SetResult> out(count);
  SharedOut(count, threads)
      .run(
          [&](size_t thread, size_t first, size_t end) {
            for (size_t i = first; i < end; ++i)
              out[order[i]] = tests[thread]->run(begin(order[i]), size(order[i]),
                                                 static_cast<int64_t>(order[i]),
                                                 how.scope == Scope::global ? &global : nullptr);
          },
          said);
  return out;
}

}  // namespace facet
