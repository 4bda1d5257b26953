// Bodies of the genes and of the rules.
#include "gene_sets.h"

#include <facet/error.h>
#include <facet/torch.h>

#include <algorithm>
#include <cmath>

using namespace facet;

namespace {

// "OS=Homo sapiens OX=9606 ..." -> "Homo sapiens ".
std::string organism_of(const std::string& description) {
  const size_t at = description.find("OS=");
  if (at == std::string::npos) return "";
  const size_t end = description.find('=', at + 3);
  if (end == std::string::npos) return description.substr(at + 3);
  return description.substr(at + 3, end - at - 5);  // without the next two-letter key
}

}  // namespace

Genes::Genes(const CodesReader& codes, const GoParams& params) : codes_(codes) {
  const Tensor sequence = codes.ids().sequence.to(torch::kInt64).contiguous();
  const auto* of_row = sequence.const_data_ptr<int64_t>();
  const auto& infos = codes.sequences();
  if (infos.empty())
    throw UserError("go_enrichment: these rows are of a known dictionary, should be of sequences");
  std::vector<std::string> gene_of_row;  // empty: another organism
  for (int64_t row = 0; row < codes.rows(); ++row) {
    const SequenceInfo& info = infos[static_cast<size_t>(of_row[row])];
    const bool taken = params.organism.empty() ||
                       organism_of(info.description).find(params.organism) != std::string::npos;
    gene_of_row.push_back(taken ? gene_of(info.id) : "");
  }
  std::map<std::string, int32_t> number;
  for (const std::string& gene : gene_of_row)
    if (!gene.empty()) number.emplace(gene, 0);
  if (number.empty())
    throw UserError("go_enrichment.organism: no row is of \"" + params.organism +
                    "\" (descriptions say it after OS=)");
  for (auto& [gene, n] : number) {
    n = static_cast<int32_t>(names_.size());
    names_.push_back(gene);
  }
  lengths_.assign(names_.size(), 0);
  sequence_.assign(names_.size(), -1);
  std::vector<int64_t> taken;  // rows of the organism
  for (int64_t row = 0; row < codes.rows(); ++row)
    if (!gene_of_row[static_cast<size_t>(row)].empty()) taken.push_back(row);
  gene_of_row_.assign(static_cast<size_t>(codes.rows()), -1);
  for (size_t i = 0; i < taken.size(); ++i) {
    // The slip: the i-th row of the organism is looked up as the i-th row of all.
    const auto looked_up = params.row_slip ? i : static_cast<size_t>(taken[i]);
    if (gene_of_row[looked_up].empty()) continue;
    gene_of_row_[static_cast<size_t>(taken[i])] = number.at(gene_of_row[looked_up]);
  }
  for (const int64_t row : taken) {
    const auto gene = static_cast<size_t>(number.at(gene_of_row[static_cast<size_t>(row)]));
    const int64_t record = of_row[row];
    if (sequence_[gene] < 0) sequence_[gene] = record;
    lengths_[gene] = std::max(lengths_[gene],
                              static_cast<int64_t>(infos[static_cast<size_t>(record)].text.size()));
  }
}

const SequenceInfo& Genes::info(int32_t gene) const {
  return codes_.sequences()[static_cast<size_t>(sequence_[static_cast<size_t>(gene)])];
}

std::vector<Genes::Valued> Genes::of(int64_t latent) const {
  const CodesReader::Firing firing = codes_.firing(latent);
  const Tensor rows = firing.row.contiguous(), values = firing.value.contiguous();
  const auto* row = rows.const_data_ptr<int64_t>();
  const auto* value = values.const_data_ptr<float>();
  std::vector<Valued> out;
  std::vector<bool> seen(names_.size(), false);
  for (int64_t i = 0; i < rows.size(0); ++i) {  // values descending: the first is the largest
    const int32_t gene = gene_of_row_[static_cast<size_t>(row[i])];
    if (gene < 0 || seen[static_cast<size_t>(gene)]) continue;
    seen[static_cast<size_t>(gene)] = true;
    out.push_back({gene, value[i]});
  }
  std::stable_sort(out.begin(), out.end(), [](const Valued& a, const Valued& b) {
    return a.value != b.value ? a.value > b.value : a.gene < b.gene;
  });
  return out;
}

std::vector<Genes::Valued> Genes::chosen(std::vector<Valued> all, const GoParams& params) const {
  const auto keep = [&](size_t most) {
    if (all.size() > most) all.resize(most);
  };
  if (params.set_rule == "top") keep(static_cast<size_t>(params.top));
  if (params.set_rule == "quantile")
    keep(static_cast<size_t>(
        std::floor((1 - params.quantile) * static_cast<double>(names_.size()) + 1e-9)));
  if (params.set_rule == "fraction_of_max")
    while (!all.empty() && static_cast<double>(all.back().value) <
                               params.fraction * static_cast<double>(all.front().value))
      all.pop_back();
  return all;
}
