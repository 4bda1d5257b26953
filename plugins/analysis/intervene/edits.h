// What an edit does to a host: hooks that change the values of latents, or add their directions.
#pragma once

#include <facet/host.h>
#include <facet/normaliser.h>
#include <facet/sae.h>
#include <facet/splice.h>

#include <string>
#include <vector>

#include "positions.h"

namespace intervene {

enum class EditKind {
  ablate = 1,
  set,
  add,
  subtract,
  multiply,
  divide,
  add_direction,
  add_direction_relative,
};
std::vector<std::string> edit_words();
/// One of edit_words().
EditKind edit_kind(const std::string& word);
/// Whether rows are changed without being coded.
bool is_direction(EditKind kind);

struct EditHow {
  EditKind kind = EditKind::set;
  bool only_active = false;  ///< a value that is 0 stays 0
  bool error_term = true;
  facet::SpliceFrom from = facet::SpliceFrom::live;
  std::vector<std::string> at;  ///< as facet::SpliceOptions::at
  Positions positions{"all", false};
};

/// z' - z of `latents` (ascending) in every row.
facet::Codes change_of_codes(const facet::Codes& codes, const std::vector<int64_t>& latents,
                             EditKind kind, double amount, bool only_active);

/// One SAE in one host, whose latents are edited. All arguments must outlive it.
class Intervention {
 public:
  Intervention(facet::HostModel& host, facet::Sae& sae, const facet::Normaliser& normaliser,
               facet::Place place, EditHow how);
  Intervention(const Intervention&) = delete;
  Intervention& operator=(const Intervention&) = delete;

  struct Dose {
    std::vector<int64_t> latents;  ///< edited together, ascending
    double amount = 0;
  };
  /// For forward passes until the next call. An edit of values h' is decode(z') where the error
  /// term is off, else decode(z') + h - decode(z); tokens outside the positions keep the host's
  /// bits. add_direction is h + amount w, add_direction_relative h + amount |h| w / |w|, where w is
  /// the row of W_dec in the host's units (raw where the normaliser looks at each row by itself).
  ///
  /// clean     as facet::Splice::hooks()
  /// instead   [points(), d] unit rows, one for each of points(): the change goes along these
  ///           and is as long at every token; the side is that of the change along w. Undefined:
  ///           the edit itself.
  std::vector<facet::Hook> hooks(const Dose& dose, const facet::Splice::Clean* clean,
                                 const facet::Tensor& instead = {});

  /// Whether hooks() needs the clean pass; never for directions.
  bool needs_clean() const;
  facet::Splice::Clean clean(const facet::Tokens& tokens) { return edited_.clean(tokens, {}); }
  const std::vector<std::string>& points() const { return edited_.points(); }
  /// Widths of points().
  std::vector<int64_t> widths() const;
  const EditHow& how() const { return how_; }

 private:
  facet::SpliceOptions options(bool edits);
  facet::Tensor direction(size_t point) const;
  std::vector<facet::Hook> direction_hooks(const facet::Tensor& instead);
  std::vector<facet::Hook> code_hooks(const facet::Splice::Clean* clean,
                                      const facet::Tensor& instead);

  facet::HostModel& host_;
  facet::Sae& sae_;
  const facet::Normaliser& normaliser_;
  facet::Place place_;
  EditHow how_;
  Dose dose_;
  facet::Splice edited_, plain_;
};

}  // namespace intervene
