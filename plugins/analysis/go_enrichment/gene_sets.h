// The genes of each latent: rows become genes, and a rule says which of them count.
#pragma once

#include <facet/stream.h>

#include <map>
#include <string>
#include <vector>

#include "params.h"

/// The genes behind the rows of a codes store. Several rows of a gene (residues, windows) are one:
/// its largest value.
class Genes {
 public:
  Genes(const facet::CodesReader& codes, const GoParams& params);

  /// Ascending, each once.
  const std::vector<std::string>& names() const { return names_; }
  /// What the record of a gene says of it; the first record's.
  const facet::SequenceInfo& info(int32_t gene) const;
  /// Letters of its longest record.
  int64_t length(int32_t gene) const { return lengths_[static_cast<size_t>(gene)]; }

  struct Valued {
    int32_t gene;  ///< number in names()
    float value;
  };
  /// Where a latent is above 0: values descending, ties by gene.
  std::vector<Valued> of(int64_t latent) const;
  /// Those of them that the rule takes.
  std::vector<Valued> chosen(std::vector<Valued> all, const GoParams& params) const;

 private:
  const facet::CodesReader& codes_;
  std::vector<std::string> names_;
  std::vector<int32_t> gene_of_row_;  // -1: of another organism
  std::vector<int64_t> lengths_;
  std::vector<int64_t> sequence_;  // of each gene, the first
};
