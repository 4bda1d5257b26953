// Counts what a reader passes over, by kind, with the first of each.
#pragma once

#include <string>
#include <vector>

#include "facet/ontology.h"

namespace facet {

class PassedOverTally {
 public:
  void add(const std::string& what, const std::string& first) {
    for (PassedOver& one : all_)
      if (one.what == what) {
        ++one.times;
        return;
      }
    all_.push_back({what, 1, first});
  }
  /// In the order in which the kinds were first seen.
  std::vector<PassedOver> take() { return std::move(all_); }

 private:
  std::vector<PassedOver> all_;
};

}  // namespace facet
