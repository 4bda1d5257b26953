// One run, from the moment a script opens it: its identity and folder, and the verbs the script
// calls.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/tensorboard.h"
#include "run/counted_host.h"
#include "run/handles.h"
#include "run/identity.h"
#include "run/kernel.h"
#include "run/manifest.h"
#include "run/report.h"
#include "run/run_folder.h"
#include "train/trainer.h"

namespace facet {

/// The run was done before; nothing is to be computed.
class AlreadyDone : public std::runtime_error {
 public:
  explicit AlreadyDone(const std::filesystem::path& folder);
  ~AlreadyDone() override;
  std::filesystem::path folder;
};

/// One of the SAEs that a verb trains.
struct Learner {
  SaeHandle* sae = nullptr;
  Normaliser* normaliser = nullptr;
  const RowsHandle* on = nullptr;
  const RowsHandle* held_out = nullptr;
};

/// What an analysis was called with.
struct AnalysisInputs {
  std::shared_ptr<HostHandle> host;
  std::shared_ptr<DataHandle> data;
  std::shared_ptr<RowsHandle> rows;
  std::shared_ptr<SaeHandle> sae;
  std::shared_ptr<CodesHandle> codes;
};

using OnStep = std::function<bool(const StepMetrics&, Value& state)>;

/// The verbs. Each takes the table the script gave (its origins are the script's lines), merges it
/// with the manifest's section, and throws UserError with all problems at once. Calls are numbered:
/// on a resumed run a verb that finished returns its recorded result, and one that was cut goes on.
class Experiment {
 public:
  /// `manifest` may be empty (a script by itself); `top` is what facet.run{...} was given. Throws
  /// AlreadyDone.
  Experiment(Kernel& kernel, const RunRequest& request, Value manifest,
             std::filesystem::path script, const Value& top);
  ~Experiment();

  const std::string& id() const { return id_; }
  const std::filesystem::path& folder() const { return folder_->folder(); }
  uint64_t seed() const { return seed_; }

  std::shared_ptr<HostHandle> host(const Value& given);
  std::shared_ptr<DataHandle> data(const Value& given);
  std::shared_ptr<RowsHandle> activations(const Value& given, std::shared_ptr<HostHandle> host,
                                          std::shared_ptr<DataHandle> data);
  std::shared_ptr<SaeHandle> sae(const Value& given, std::shared_ptr<RowsHandle> on);
  /// Every [[activations]] of the manifest, in order, over the same host and data.
  std::vector<std::shared_ptr<RowsHandle>> streams(const Value& given,
                                                   std::shared_ptr<HostHandle> host,
                                                   std::shared_ptr<DataHandle> data);
  /// Every [[sae]] of the manifest, in order, each on the rows that its key `on` names.
  std::vector<std::shared_ptr<SaeHandle>> saes(const Value& given,
                                               const std::vector<std::shared_ptr<RowsHandle>>& on);
  /// Trains one SAE, or several together that each learn what they would alone; each on `on`, or on
  /// the rows it was made for when `on` is nullptr. `eval_on`: the held-out rows of
  /// train.eval_every, one for all or one for each stream by its name. A table of the last step's
  /// metrics; of several, by their names.
  Value train(const Value& given, const std::vector<std::shared_ptr<SaeHandle>>& saes,
              std::shared_ptr<RowsHandle> on,
              const std::vector<std::shared_ptr<RowsHandle>>& eval_on, OnStep on_step);
  /// Every [[baseline]] of the manifest (or of `given`), trained on some rows of `on`, which are
  /// normalised as `like` normalises them.
  std::vector<std::shared_ptr<SaeHandle>> baselines(const Value& given,
                                                    std::shared_ptr<SaeHandle> like,
                                                    std::shared_ptr<RowsHandle> on);
  /// Codes of `sae` for the rows of `on`; or, with encode.from and neither of them, another
  /// program's.
  std::shared_ptr<CodesHandle> encode(const Value& given, std::shared_ptr<SaeHandle> sae,
                                      std::shared_ptr<RowsHandle> on);
  /// A table: figure -> value.
  Value analyze(const Value& given, const AnalysisInputs& inputs);
  /// Every [[analysis]] of the manifest, in order: type (or name) -> its table.
  Value analyze_all(const Value& given, const AnalysisInputs& inputs);

  /// A table that the script worked out: artefacts/NAME.tsv, and whole in the report. `given` has
  /// name, title, columns (name and definition each) and rows.
  void table(const Value& given);

  /// The manifest's section that a verb will use, merged with what the script gave.
  Value merged(const std::string& section, const Value& given) const;

  /// Ends the run: report.md, hashes of the outputs, record.json, then the status.
  void finish(Status status, const std::string& why);

  EventSink& events() { return *all_; }

 private:
  struct Call {
    size_t index;
    VerbRecord record;
    bool finished;
  };
  std::shared_ptr<SaeHandle> sae_of(const Value& section, const Value& given,
                                    std::shared_ptr<RowsHandle> on);
  Call begin(const std::string& verb, const std::string& key);
  void end(Call& call, Value result);
  AnyParams parse(const std::string& section, const Value& value);
  void keep_resolved(const std::string& section, const Value& resolved);
  void write_resolved();
  void keep_inputs(const std::vector<FieldDoc>& fields, const Value& resolved);
  void keep_plugin(const Part& part);
  void keep_fact(const std::string& what, const std::string& text);
  std::string key_of(const Part& part, const Value& resolved);
  std::shared_ptr<SaeHandle> new_sae(const SaePart& part, const AnyParams& own, int64_t seed,
                                     const RowsHandle& on);
  struct Sources {
    std::vector<std::unique_ptr<ActivationSource>> open;
    std::vector<size_t> of;  // for each learner
  };
  Sources open_sources(const std::vector<Learner>& learners, Order order) const;
  std::vector<Learner> learners_of(const Value& given,
                                   const std::vector<std::shared_ptr<SaeHandle>>& saes,
                                   const std::shared_ptr<RowsHandle>& on) const;
  /// Gives each learner its held-out rows.
  void add_held_out(const Value& given, const std::vector<std::shared_ptr<RowsHandle>>& eval_on,
                    std::vector<Learner>& learners) const;
  /// Trains, or takes from disk what an earlier process trained: then there are no results.
  std::vector<Value> fit_or_load(Call& call, const std::vector<Learner>& learners,
                                 const TrainParams& settings, const OnStep& on_step);
  /// training_history.tsv and .svg, from the events up to now.
  void write_history(const std::string& sae);
  /// What the evaluations of a training came to, in report.md and record.json.
  void keep_outcome(const std::string& sae, const Value& result);
  std::shared_ptr<CodesHandle> encoded_elsewhere(const Value& section);
  Value run_analysis(const std::string& where, const Value& merged, const AnalysisInputs& inputs);
  /// Of the sections of this kind; UserError when several have no names of their own.
  std::vector<std::string> names_in_manifest(const std::string& section) const;
  void keep_on_disk(RowsHandle& rows);
  /// store/kind/<the first 16 digits of key>, noted in record.json.
  std::filesystem::path store_folder(const std::string& kind, const std::string& key);
  /// Calls `build` while no other process builds this folder of the store; waits, and says so.
  void build_alone(const std::string& verb, const std::filesystem::path& folder,
                   const std::string& what, const std::function<void()>& build);
  void check_inputs(const AnalysisInputs& given, const AnalysisInputs& full, const Needs& needs,
                    const std::string& where) const;
  void close(Status status, const std::string& why);
  void write_record(Status status);
  void write_report();
  bool stop_wanted();
  void choose_folder(const Value& identity, const std::filesystem::path& runs,
                     const std::string& name);

  Kernel& kernel_;
  RunRequest request_;
  Value manifest_;
  std::filesystem::path script_;
  std::string id_, name_;
  uint64_t seed_ = 0;
  std::unique_ptr<InputHash> hash_;
  std::filesystem::path store_;
  std::unique_ptr<RunFolder> folder_;
  std::unique_ptr<EyesSink> eyes_;
  std::unique_ptr<TensorBoardSink> tensorboard_;  // nullptr: not asked for
  std::unique_ptr<AllSinks> all_;
  size_t calls_ = 0;
  int64_t steps_done_ = 0;
  std::set<std::string> trained_;   // names of the SAEs that this run trains
  std::set<std::string> analysed_;  // figures and files that an analysis of this run wrote
  std::set<std::string> called_;    // sections that a verb was called with
  Value record_, resolved_, inputs_, plugins_;
  std::vector<std::shared_ptr<CountedHost>> hosts_;
  std::vector<std::shared_ptr<DataHandle>> read_;  // by run:data, for the report
  std::vector<std::string> baselines_;             // their names
  ReportPage page_;
};

}  // namespace facet
