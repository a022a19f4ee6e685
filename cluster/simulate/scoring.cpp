// A scoring pass of espalier under SimGrid: the schedule of weights and gradients, on hosts with a link each.
//
//   scoring RANKS LINK LATENCY open-mpi|pipelined < SCHEDULE        (prints the simulated seconds)
//
// LINK is bytes per second each way, LATENCY seconds. SCHEDULE has a line per step of the pass: bytes of the weights, their
// owner, seconds of computation with them, bytes of gradients to be summed onto the owner afterwards (0: none).
//
// A rank has two actors, as it has two threads. `communicate` broadcasts the weights of step after step, two ahead of the
// computation, all ranks together; `compute` waits for a step's weights, computes, and takes part in the sum. Messages go
// over both hosts' links, which all flows at a time share fairly. A pipelined chain is one flow per hop, begun as soon as a
// first segment of 128 KiB has come: what long chains of segments come to.
#include <simgrid/s4u.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace sg4 = simgrid::s4u;

struct Step {
  double bytes;
  int owner;
  double seconds;
  double gradients;
};

static int ranks;
static double link_rate, latency;
static bool is_pipelined;
static std::vector<Step> schedule;
static constexpr double segment = 131072;
static constexpr int ahead = 2;

// What a message carries does not matter.
static char token;

static sg4::Mailbox* mailbox(const std::string& kind, size_t step, int from, int to) {
  return sg4::Mailbox::by_name(kind + std::to_string(step) + ":" + std::to_string(from) + ":" + std::to_string(to));
}

static void send(const std::string& kind, size_t step, int from, int to, double bytes) {
  mailbox(kind, step, from, to)->put(&token, static_cast<uint64_t>(bytes));
}

static void receive(const std::string& kind, size_t step, int from, int to) {
  mailbox(kind, step, from, to)->get<char>();
}

/// To several at once: the message is away when all have it.
static void send_all(const std::string& kind, size_t step, int from, const std::vector<int>& to, double bytes) {
  std::vector<sg4::CommPtr> sent;
  for (int rank : to) sent.push_back(mailbox(kind, step, from, rank)->put_async(&token, static_cast<uint64_t>(bytes)));
  for (auto& comm : sent) comm->wait();
}

/// A hop of a pipelined chain: this rank's flow to the next begins when the first segment is here, and ends no sooner than
/// its own flow has come.
static void pass_along(const std::string& kind, size_t step, int rank, int before, int after, double bytes) {
  sg4::CommPtr coming, going;
  char* received = nullptr;
  if (before >= 0) {
    receive(kind + "first", step, before, rank);
    coming = mailbox(kind, step, before, rank)->get_async<char>(&received);
  }
  if (after >= 0) {
    send(kind + "first", step, rank, after, std::min(bytes, segment));
    going = mailbox(kind, step, rank, after)->put_async(&token, static_cast<uint64_t>(std::max(0.0, bytes - segment)));
  }
  if (coming) coming->wait();
  if (going) going->wait();
}

/// Open MPI 4.1's choice for long messages (docs/estimate.md), ranks counted from the root.
static void broadcast(size_t step, int rank) {
  const double bytes = schedule[step].bytes;
  const int root = schedule[step].owner;
  const int place = (rank - root + ranks) % ranks;
  const auto at = [&](int place) { return (place + root) % ranks; };
  if (is_pipelined || ranks < 3) {
    pass_along("b", step, rank, place > 0 ? at(place - 1) : -1, place + 1 < ranks ? at(place + 1) : -1, bytes);
  } else if (ranks < 8) {
    if (place > 0) receive("b", step, at(place - 1), rank);
    if (place + 1 < ranks) send("b", step, rank, at(place + 1), bytes);
  } else if (ranks < 16) {
    std::vector<int> others;
    for (int other = 1; other < ranks; other++) others.push_back(at(other));
    if (place > 0) receive("b", step, root, rank); else send_all("b", step, rank, others, bytes);
  } else {
    // A 4-nomial tree: a rank's children differ from it in one digit below its lowest one that is not zero.
    int distance = 1;
    while (distance < ranks && place / distance % 4 == 0) distance *= 4;
    if (place > 0) receive("b", step, at(place - place / distance % 4 * distance), rank);
    std::vector<int> children;
    for (int below = distance / 4; below > 0; below /= 4)
      for (int digit = 1; digit < 4; digit++)
        if (place + digit * below < ranks) children.push_back(at(place + digit * below));
    send_all("b", step, rank, children, bytes);
  }
}

/// The sum of all ranks' gradients onto the owner.
static void sum(size_t step, int rank) {
  const double bytes = schedule[step].gradients;
  const int root = schedule[step].owner;
  const int place = (rank - root + ranks) % ranks;
  const auto at = [&](int place) { return (place + root) % ranks; };
  if (is_pipelined || ranks < 3) {
    pass_along("s", step, rank, place + 1 < ranks ? at(place + 1) : -1, place > 0 ? at(place - 1) : -1, bytes);
  } else if (ranks < 8) {
    if (place > 0) send("s", step, rank, root, bytes);
    else for (int other = 1; other < ranks; other++) receive("s", step, at(other), rank);
  } else {
    // Binomial: children one after another, then the parent.
    int distance = 1;
    for (; distance < ranks && place / distance % 2 == 0; distance *= 2)
      if (place + distance < ranks) receive("s", step, at(place + distance), rank);
    if (place > 0) send("s", step, rank, at(place - distance), bytes);
  }
}

int main(int argc, char** argv) {
  sg4::Engine engine(&argc, argv);
  if (argc != 5) {
    std::fprintf(stderr, "scoring: four arguments are needed: ranks, link, latency, open-mpi or pipelined\n");
    return 64;
  }
  ranks = std::atoi(argv[1]);
  link_rate = std::atof(argv[2]);
  latency = std::atof(argv[3]);
  is_pipelined = std::string(argv[4]) == "pipelined";
  if (ranks < 1 || link_rate <= 0 || (ranks >= 16 && ranks < 32 && !is_pipelined)) {
    std::fprintf(stderr, "scoring: %s ranks over %s bytes/s cannot be simulated\n", argv[1], argv[2]);
    return 64;
  }
  Step step;
  while (std::scanf("%lf %d %lf %lf", &step.bytes, &step.owner, &step.seconds, &step.gradients) == 4)
    schedule.push_back(step);

  auto* zone = sg4::create_star_zone("cluster");
  std::vector<sg4::Host*> hosts;
  for (int rank = 0; rank < ranks; rank++) {
    auto* host = zone->create_host("node" + std::to_string(rank), 1e9);
    auto* cable = zone->create_split_duplex_link("link" + std::to_string(rank), link_rate)->set_latency(latency / 2);
    cable->seal();
    zone->add_route(
        host->get_netpoint(), nullptr, nullptr, nullptr, {{cable, sg4::LinkInRoute::Direction::UP}}, true);
    hosts.push_back(host);
  }
  zone->seal();

  auto arrived = sg4::Barrier::create(ranks);
  for (int rank = 0; rank < ranks; rank++) {
    auto room = sg4::Semaphore::create(ahead);
    auto ready = sg4::Semaphore::create(0);
    sg4::Actor::create("communicate", hosts[rank], [=] {
      for (size_t step = 0; step < schedule.size(); step++) {
        room->acquire();
        // Nobody moves data before all ranks have come (Waiting.sleeping).
        arrived->wait();
        if (ranks > 1) broadcast(step, rank);
        ready->release();
      }
    });
    sg4::Actor::create("compute", hosts[rank], [=] {
      for (size_t step = 0; step < schedule.size(); step++) {
        ready->acquire();
        room->release();
        sg4::this_actor::sleep_for(schedule[step].seconds);
        if (schedule[step].gradients > 0 && ranks > 1) sum(step, rank);
      }
    });
  }
  engine.run();
  std::printf("%.3f\n", engine.get_clock());
  return 0;
}
