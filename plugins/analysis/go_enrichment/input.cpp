// Bodies of the input.
#include "input.h"

#include <facet/error.h>
#include <facet/torch.h>

#include <algorithm>
#include <fstream>
#include <numeric>

using namespace facet;

namespace {

void add_notes(const std::string& file, const std::vector<PassedOver>& all,
               std::vector<std::string>& notes) {
  for (const PassedOver& one : all)
    notes.push_back(file + ": " + std::to_string(one.times) + " " + one.what + ", first " +
                    one.first);
}

}  // namespace

Input::Input(const Genes& genes, const GoParams& params) : ontology_(Ontology::read(params.obo)) {
  const GafFilter filter{params.keep_not, params.keep_nd, params.evidence, params.without_evidence};
  const Annotations annotations = Annotations::read(params.gaf, ontology_, filter);
  add_notes("obo", ontology_.passed_over(), notes_);
  add_notes("gaf", annotations.passed_over(), notes_);
  match_ = match_ids(genes.names(), annotations);
  notes_.push_back(match_.text());
  if (match_.annotated == 0)
    throw UserError("go_enrichment.gaf: " + match_.text() + ", should be a file for these genes");
  if (!params.clusters.empty()) read_clusters(params.clusters);
  UnitOf unit_of;
  if (!cluster_of_.empty())
    unit_of = [this](const std::string& gene) {
      const auto found = cluster_of_.find(gene);
      return found == cluster_of_.end() ? gene : found->second;
    };
  const Closure closure = params.propagate ? ontology_.ancestors(params.relationships) : Closure();
  Population all = make_population(genes.names(), annotations, ontology_,
                                   params.propagate ? &closure : nullptr, unit_of);
  const std::vector<Aspect> aspects = aspects_of(params.namespaces);
  if (params.population == "rows") {
    add_part(std::move(all), aspects, genes, params);
    return;
  }
  for (const Aspect aspect : aspects)
    add_part(all.annotated(ontology_, aspect), {aspect}, genes, params);
}

void Input::add_part(Population population, std::vector<Aspect> aspects, const Genes& genes,
                     const GoParams& params) {
  Part part;
  std::unordered_map<std::string, int32_t> number;
  for (size_t u = 0; u < population.units.size(); ++u)
    number.emplace(population.units[u], static_cast<int32_t>(u));
  std::vector<int64_t> lengths(population.units.size(), 0);
  for (size_t g = 0; g < genes.names().size(); ++g) {
    const std::string& gene = genes.names()[g];
    const auto cluster = cluster_of_.find(gene);
    const auto unit = number.find(cluster == cluster_of_.end() ? gene : cluster->second);
    part.unit_of_gene.push_back(unit == number.end() ? -1 : unit->second);
    if (unit == number.end()) continue;
    auto& length = lengths[static_cast<size_t>(unit->second)];
    length = std::max(length, genes.length(static_cast<int32_t>(g)));
  }
  part.stratum = length_strata(lengths, params.length_strata);
  part.population = std::move(population);
  part.aspects = std::move(aspects);
  parts_.push_back(std::move(part));
}

const Input::Part& Input::part_of(Aspect aspect) const {
  for (const Part& part : parts_)
    if (std::find(part.aspects.begin(), part.aspects.end(), aspect) != part.aspects.end())
      return part;
  throw Bug("no population for this namespace");
}

void Input::read_clusters(const std::string& file) {
  std::ifstream lines(file);
  int64_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.ends_with("\r")) line.pop_back();
    if (line.empty()) continue;
    const size_t tab = line.find('\t');
    if (tab == std::string::npos || tab == 0 || tab + 1 == line.size() ||
        line.find('\t', tab + 1) != std::string::npos)
      throw UserError(file + ":" + std::to_string(number) + ": is \"" + line.substr(0, 60) +
                      "\", should be a cluster, a tab and a gene");
    const std::string gene = gene_of(line.substr(tab + 1));
    if (!cluster_of_.emplace(gene, "cluster " + gene_of(line.substr(0, tab))).second)
      throw UserError(file + ":" + std::to_string(number) + ": " + gene +
                      " stands in a second cluster, should be in one");
  }
  if (cluster_of_.empty())
    throw UserError(file + ": is empty, should be a cluster and a gene a line");
}

std::vector<int32_t> length_strata(const std::vector<int64_t>& lengths, int64_t classes) {
  std::vector<size_t> order(lengths.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return lengths[a] < lengths[b]; });
  std::vector<int32_t> out(lengths.size(), 0);
  for (size_t i = 0; i < order.size(); ++i)
    out[order[i]] = static_cast<int32_t>(static_cast<int64_t>(i) * classes /
                                         static_cast<int64_t>(order.size()));
  return out;
}
