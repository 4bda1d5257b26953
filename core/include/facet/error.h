// The two ways to fail: UserError (what someone wrote is wrong) and FACET_ASSERT (what we wrote is
// wrong).
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace facet {

/// Where a value was written: a manifest, a script, the command line, or a default.
struct Origin {
  std::string file;    ///< as the user named it: "topk.toml", "train.lua", "--set"; empty: nowhere
  int line = 0;        ///< from 1; 0: the file as a whole
  int column = 0;      ///< from 1; 0: unknown (Lua)
  std::string folder;  ///< absolute; relative paths of the value are relative to it; empty: the
                       ///< working folder

  /// "topk.toml:23:5", "train.lua:12", "--set"; empty when the value was written nowhere.
  std::string text() const;
};

/// What a user wrote (manifest, script, data, plugin) is wrong. All problems of one input travel
/// together, one line each, in the form "where: what: is, should be".
class UserError : public std::runtime_error {
 public:
  explicit UserError(const std::string& problem);
  explicit UserError(std::vector<std::string> problems);
  ~UserError() override;

  const std::vector<std::string>& problems() const { return problems_; }

 private:
  std::vector<std::string> problems_;
};

/// The run was asked to stop and can go on later (exit code 75).
class Stopped : public std::runtime_error {
 public:
  explicit Stopped(const std::string& why);
  ~Stopped() override;
};

/// An assumption of our own code does not hold: a bug (exit code 70).
class Bug : public std::logic_error {
 public:
  explicit Bug(const std::string& what);
  ~Bug() override;
};

/// "; did you mean \"nearest\"?" style advice: the candidate within an edit distance of a third of
/// the word's length (at least 2), or "" when none is near.
std::string nearest(const std::string& word, const std::vector<std::string>& candidates);

/// " (did you mean \"d_sae\"?)", or "" when no candidate is near.
std::string did_you_mean(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace facet

/// Throws Bug with the place and the message when the condition does not hold.
#define FACET_ASSERT(condition, message)                                                 \
  do {                                                                                   \
    if (!(condition))                                                                    \
      throw ::facet::Bug(std::string(__FILE__) + ":" + std::to_string(__LINE__) + ": " + \
                         (message));                                                     \
  } while (false)
