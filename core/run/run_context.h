// The Context an analysis is given inside a run.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "facet/analysis.h"
#include "run/experiment.h"

namespace facet {

class RunContext : public Context {
 public:
  /// `name` is the analysis's; `shelf` the folder of its artefacts and journals, "" or "pca/".
  /// Random streams do not depend on the shelf: SAEs are compared on equal draws. breathe throws
  /// Stopped when the run was asked to stop.
  RunContext(std::string name, std::string shelf, AnalysisInputs inputs, const RunFolder& folder,
             EventSink& events, uint64_t seed, std::string device, std::function<void()> breathe);
  ~RunContext() override;

  Sae& sae() override;
  std::unique_ptr<Sae> untrained() override;
  const Normaliser& normaliser() override;
  HostModel& host() override;
  Place place() override;
  std::unique_ptr<ActivationSource> rows() override;
  const CodesReader& codes() override;
  std::unique_ptr<RecordReader> records() override;
  Rng rng(const std::string& purpose) override;
  EventSink& events() override { return events_; }
  TableRef write(const std::string& name, const std::string& title, const Table& table,
                 size_t shown) override;
  void write_file(const std::string& name, const std::string& bytes) override;
  std::optional<std::string> read_file(const std::string& analysis,
                                       const std::string& name) override;
  Journal& journal(const std::string& name) override;
  std::string secret(const std::string& name) override;
  void breathe() override { breathe_(); }

 private:
  std::string name_, shelf_;
  AnalysisInputs inputs_;
  const RunFolder& folder_;
  EventSink& events_;
  uint64_t seed_;
  std::string device_;
  std::function<void()> breathe_;
  std::map<std::string, std::unique_ptr<Journal>> journals_;
};

}  // namespace facet
