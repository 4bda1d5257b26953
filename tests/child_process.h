// Runs the facet executable as a child in a fresh folder, and says how it ended and what it
// printed.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

/// How a child ended. The folder reads HERE in its texts, a run's id in a path ID.
struct Outcome {
  int exit_code = -1;  ///< 128 + n: killed by signal n
  std::string out;
  std::string err;
};

/// A started child. Waited for, or killed with the test.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(Child&& other) noexcept : pid_(other.pid_) { other.pid_ = 0; }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
    wait();
  }

  void send(int signal) const { ::kill(pid_, signal); }
  pid_t pid() const { return pid_; }
  int wait() {
    int status = 0;
    if (pid_ > 0) ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_;
};

/// A folder in which facet is run; removed with the test.
class Workshop {
 public:
  Workshop() {
    std::string name = (std::filesystem::temp_directory_path() / "facet-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
    folder_ = std::filesystem::canonical(name);
  }
  ~Workshop() { std::filesystem::remove_all(folder_); }
  Workshop(const Workshop&) = delete;
  Workshop& operator=(const Workshop&) = delete;

  const std::filesystem::path& folder() const { return folder_; }

  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  std::string read(const std::filesystem::path& name) const {
    std::ostringstream text;
    text << std::ifstream(folder_ / name, std::ios::binary).rdbuf();
    return text.str();
  }

  /// facet with these arguments; `environment` is laid over a plain one. It reads the file `.in` of
  /// this folder where there is one, else nothing.
  Child start(const std::vector<std::string>& arguments,
              const std::map<std::string, std::string>& environment = {}) const {
    std::map<std::string, std::string> all = {{"OMP_NUM_THREADS", "1"}, {"HOME", folder_.string()}};
    for (const char* kept : {"PATH", "LD_LIBRARY_PATH"})
      if (const char* value = std::getenv(kept)) all[kept] = value;
    for (const auto& [name, value] : environment) all[name] = value;
    std::vector<std::string> words = {FACET_TEST_BINARY}, settings;
    words.insert(words.end(), arguments.begin(), arguments.end());
    for (const auto& [name, value] : all) settings.push_back(name + "=" + value);
    std::vector<char*> argv = pointers(words), envp = pointers(settings);
    const pid_t pid = ::fork();
    if (pid != 0) return Child(pid);
    const int out = ::open((folder_ / ".out").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    const int err = ::open((folder_ / ".err").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    const int file = ::open((folder_ / ".in").c_str(), O_RDONLY);
    const int in = file >= 0 ? file : ::open("/dev/null", O_RDONLY);
    const bool ready = ::dup2(in, 0) == 0 && ::dup2(out, 1) == 1 && ::dup2(err, 2) == 2 &&
                       ::chdir(folder_.c_str()) == 0;
    if (ready) ::execve(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  Outcome end(Child& child) const {
    const int code = child.wait();
    return {code, plain(read(".out")), plain(read(".err"))};
  }
  Outcome facet(const std::vector<std::string>& arguments,
                const std::map<std::string, std::string>& environment = {}) const {
    Child child = start(arguments, environment);
    return end(child);
  }
  /// The text as `script.lua`, run quietly: what is printed on stderr is what went wrong.
  Outcome script(const std::string& text, std::vector<std::string> arguments = {}) const {
    write("script.lua", text);
    arguments.insert(arguments.begin(), {"run", "script.lua", "--quiet"});
    return facet(arguments);
  }

  /// Waits until the file holds the text; false after a minute.
  bool waits_for(const std::filesystem::path& name, const std::string& text) const {
    for (int tenths = 0; tenths < 6000; ++tenths) {
      if (read(name).find(text) != std::string::npos) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
  /// The folders of the runs of this name, relative to this folder.
  std::vector<std::filesystem::path> runs(const std::string& name) const {
    std::vector<std::filesystem::path> out;
    if (!std::filesystem::exists(folder_ / "runs" / name)) return out;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "runs" / name))
      out.push_back(std::filesystem::relative(entry.path(), folder_));
    return out;
  }

 private:
  static std::vector<char*> pointers(std::vector<std::string>& words) {
    std::vector<char*> out;
    for (std::string& word : words) out.push_back(word.data());
    out.push_back(nullptr);
    return out;
  }
  std::string plain(const std::string& text) const {
    static const std::regex id("(runs/[^/\\s]+/)[0-9a-f]{12}");
    std::string out;
    size_t begin = 0;
    for (size_t at; (at = text.find(folder_.string(), begin)) != std::string::npos;
         begin = at + folder_.string().size())
      out += text.substr(begin, at - begin) + "HERE";
    return std::regex_replace(out + text.substr(begin), id, "$1ID");
  }

  std::filesystem::path folder_;
};
