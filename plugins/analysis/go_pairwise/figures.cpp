// Works out the figures of the pairs.
#include "figures.h"

#include <facet/torch.h>

#include <array>
#include <cmath>

#include "facet/stats.h"

using namespace facet;

namespace {

// Columns of sums over latents, for each scope: mean length, mean depth, 1.
constexpr size_t kColumns = 3 * kScopes;

double sum_length(const PairSums& of, Form form) {
  return form == Form::rep_saes ? of.nodes : of.edges;
}

// Mean over the latents of `of(sums)` in a scope; a latent without pairs there is left out.
template <class Of>
double mean_over(const std::vector<LatentSums>& latents, size_t scope, const Of& of) {
  double sum = 0;
  int64_t count = 0;
  for (const LatentSums& latent : latents) {
    if (latent.of[scope].pairs == 0) continue;
    sum += of(latent);
    ++count;
  }
  return sum / static_cast<double>(count);
}

// What `mean_over` would be if every pair were the mean random pair of its namespace.
double expected(const std::vector<LatentSums>& latents, const Samples& random, size_t scope,
                double (Sample::*mean)() const) {
  std::array<double, kAspects.size()> means;
  for (size_t aspect = 0; aspect < means.size(); ++aspect) means[aspect] = (random[aspect].*mean)();
  return mean_over(latents, scope, [&](const LatentSums& latent) {
    double sum = 0;
    for (size_t aspect = 0; aspect < means.size(); ++aspect)
      if ((scope == kAll || scope == aspect) && latent.of[aspect].pairs > 0)
        sum += static_cast<double>(latent.of[aspect].pairs) * means[aspect];
    return sum / static_cast<double>(latent.of[scope].pairs);
  });
}

GroupSums sums_of(const std::vector<LatentSums>& latents, Form form) {
  GroupSums out(kColumns, latents.size() + 1);
  for (size_t i = 0; i < latents.size(); ++i) {
    double columns[kColumns] = {};
    for (size_t scope = 0; scope < kScopes; ++scope) {
      const PairSums& of = latents[i].of[scope];
      if (of.pairs == 0) continue;
      columns[3 * scope] = of.mean(sum_length(of, form));
      columns[3 * scope + 1] = of.mean(of.depth);
      columns[3 * scope + 2] = 1;
    }
    out.add(static_cast<int64_t>(i), columns);
  }
  return out;
}

std::string scope_words(size_t scope) {
  return scope == kAll ? "of one namespace"
                       : std::string("in the namespace ") + full_name(kAspects[scope]);
}

std::string baseline_words(Form form) {
  return form == Form::rep_saes
             ? "; random: the mean over single pairs of random terms"
             : "; random: the same with, for each pair, the mean over pairs of random terms of "
               "its namespace";
}

// Of the two figures of a scope.
enum class Of { length = 0, depth };

std::string name_of(Of what, size_t scope, Form form) {
  const std::string length = form == Form::rep_saes ? "mean_spl_nodes" : "mean_spl_edges";
  return (what == Of::length ? length : "mean_lca_depth") +
         (scope == kAll ? "" : std::string("_") + kScopeNames[scope]);
}

std::string definition_of(Of what, size_t scope, Form form) {
  const std::string unit = form == Form::rep_saes ? "terms, both ends included," : "is_a edges";
  return (what == Of::length
              ? "mean over latents of the mean number of " + unit +
                    " on a shortest path between two terms, whichever way is_a points"
              : "mean over latents of the mean depth of the lowest common ancestor of two terms: "
                "the longest way from it to the root, in is_a edges") +
         " (a latent's mean is over the pairs of its terms " + scope_words(scope) + ")" +
         baseline_words(form);
}

}  // namespace

std::vector<Figure> mean_figures(const std::vector<LatentSums>& latents,
                                 const std::vector<RandomPairs>& random, Form form,
                                 int64_t resamples, Rng rng) {
  const FiguresOfSums means = [](const std::vector<double>& sums) {
    std::vector<double> out;
    for (size_t scope = 0; scope < kScopes; ++scope)
      for (size_t what = 0; what < 2; ++what)
        out.push_back(sums[3 * scope + what] / sums[3 * scope + 2]);
    return out;
  };
  const GroupSums sums = sums_of(latents, form);
  const auto intervals = bootstrap(sums, means, {resamples, 0.95, "latents"}, rng);
  const std::vector<double> values = means(sums.total());
  std::vector<Figure> out;
  for (const size_t scope : kScopeOrder)
    for (const Of what : {Of::length, Of::depth}) {
      const size_t place = 2 * scope + static_cast<size_t>(what);
      if (std::isnan(values[place])) continue;
      Figure figure{name_of(what, scope, form), values[place], definition_of(what, scope, form)};
      figure.interval = intervals[place];
      const auto mean = what == Of::length ? &Sample::mean_length : &Sample::mean_depth;
      for (const RandomPairs& baseline : random) {
        const double plain = form == Form::rep_saes
                                 ? (baseline.pairs[scope].*mean)()
                                 : expected(latents, baseline.pairs, scope, mean);
        if (std::isfinite(plain)) figure.baselines.emplace_back("random_" + baseline.name, plain);
      }
      out.push_back(std::move(figure));
    }
  return out;
}
