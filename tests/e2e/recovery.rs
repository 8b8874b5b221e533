//! Killed and restarted: no acknowledged step is lost, nothing is started twice, what runs goes on.

use std::fs;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use e2e::{Site, not_run, processes, wait};

use crate::day::{self, Pages, Rest};

/// How many days are played side by side.
const AT_ONCE: usize = 4;

/// Prints a line each 100 ms until the file `stop` is there, and ends with a code that only it knows.
const COUNT: &str = r#"
tasks:
  count:
    timeout: 2m
    run: |
      echo "pid $$"
      i=0
      until [[ -e stop ]]; do i=$((i + 1)); echo "line $i"; sleep 0.1; done
      echo "counted $i"
      exit 7
"#;

#[test]
fn a_day_survives_a_kill_at_every_write_to_the_disk() {
    let test = "recovery::a_day_survives_a_kill_at_every_write_to_the_disk";
    if !not_run::needs_tool(test, "strace") {
        return;
    }
    let undisturbed = undisturbed();
    let (fdatasyncs, fsyncs) = count_of_syncs();
    let mut kills: Vec<(&str, usize)> = (1..=fdatasyncs).map(|it| ("fdatasync", it)).collect();
    kills.extend((1..=fsyncs).map(|it| ("fsync", it)));
    let killed = Mutex::new(0);
    let total = kills.len();
    side_by_side(kills, |(call, number)| {
        let mut site = day::prepare(Duration::ZERO);
        let inject = format!("inject={call}:signal=SIGKILL:when={number}");
        site.launch(&strace(&["-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &inject]));
        let strace = site.pid();
        assert_eq!(day::play(&mut site, |_, _| {}), Rest::Over);
        let was_killed = site.pid() != strace;
        day::judge(&mut site, &undisturbed);
        *killed.lock().expect("no holder panics") += usize::from(was_killed);
    });
    let killed = *killed.lock().expect("no holder panics");
    // A day groups its writes as they come, so the last ones are not reached each time.
    assert!(killed * 4 >= total * 3, "only {killed} of {total} kills took place");
}

#[test]
fn a_day_survives_kills_at_any_instant() {
    let undisturbed = undisturbed();
    // Instants spread over the day as a low-discrepancy sequence: the same each time.
    let instants = (1..=10_u32).map(|it| Duration::from_millis(u64::from(it * 618 % 1000) * 4));
    side_by_side(instants.collect(), |instant| {
        let mut site = day::prepare(Duration::from_millis(250));
        site.start_daemon();
        let mut is_due = true;
        day::play(&mut site, |site, since| {
            if is_due && since >= instant {
                is_due = false;
                site.kill9();
            }
        });
        day::judge(&mut site, &undisturbed);
    });
}

#[test]
fn a_day_survives_a_daemon_that_dies_again_and_again() {
    let undisturbed = undisturbed();
    let mut site = day::prepare(Duration::from_millis(700));
    site.start_daemon();
    let mut deaths = 0;
    day::play(&mut site, |site, since| {
        if deaths < 12 && since >= Duration::from_millis(500) * (deaths + 1) && site.is_started() {
            deaths += 1;
            site.kill9();
        }
    });
    assert!(deaths >= 3, "it died {deaths} times");
    day::judge(&mut site, &undisturbed);
}

#[test]
fn a_sync_that_fails_once_is_made_good_without_a_restart() {
    let test = "recovery::a_sync_that_fails_once_is_made_good_without_a_restart";
    if !not_run::needs_tool(test, "strace") {
        return;
    }
    let undisturbed = undisturbed();
    side_by_side(vec![4, 9, 16, 25], |number| {
        let mut site = day::prepare(Duration::ZERO);
        let inject = format!("inject=fdatasync:error=EIO:when={number}");
        site.launch(&strace(&["-o", "/dev/null", "-e", "trace=fdatasync", "-e", &inject]));
        let strace = site.pid();
        assert_eq!(day::play(&mut site, |_, _| {}), Rest::Over);
        assert_eq!(site.pid(), strace, "it did not end");
        day::judge(&mut site, &undisturbed);
    });
}

#[test]
fn a_daemon_whose_disk_keeps_nothing_ends_and_says_so() {
    let test = "recovery::a_daemon_whose_disk_keeps_nothing_ends_and_says_so";
    if !not_run::needs_tool(test, "strace") {
        return;
    }
    let undisturbed = undisturbed();
    let mut site = day::prepare(Duration::ZERO);
    let inject = "inject=fdatasync:error=EIO:when=8+";
    site.launch(&strace(&["-o", "/dev/null", "-e", "trace=fdatasync", "-e", inject]));
    let mut codes = Vec::new();
    day::play(&mut site, |site, _| codes.extend(site.ended()));
    assert_eq!(codes, [74], "{}", site.complaints());
    assert!(site.complaints().contains("does not keep what is written"), "{}", site.complaints());
    day::judge(&mut site, &undisturbed);
}

#[test]
fn a_day_survives_the_end_of_daemon_and_runner_alike() {
    a_day_on_which_the_runner_dies([300, 900, 1700, 2500], |site| {
        site.kill9();
        site.kill_runner()
    });
}

#[test]
fn a_day_survives_the_end_of_its_runner() {
    a_day_on_which_the_runner_dies([300, 700, 1200, 1800], |site| site.kill_runner());
}

#[test]
fn a_task_goes_on_while_the_daemon_is_dead() {
    let mut site = Site::start(&[("count.yaml", COUNT)]);
    let run = site.run(&["count"]);
    let before = wait_for_line(&site, &run, "line 3");
    site.kill9();
    assert!(processes::lives(before), "the task does not notice");
    site.start_daemon();
    let row = site.task(&run, "count");
    assert_eq!(row["state"], "running", "{row:#}");
    assert_eq!(row["attempts"][0]["pid"], before, "{row:#}");
    check_count(&site, &run, before);
}

#[test]
fn what_ends_while_the_daemon_is_dead_is_known_afterwards() {
    let mut site = Site::start(&[("count.yaml", COUNT)]);
    let run = site.run(&["count"]);
    let pid = wait_for_line(&site, &run, "line 3");
    site.kill9();
    site.write("stop", "");
    wait::for_that("the task ends", || !processes::lives(pid));
    site.start_daemon();
    check_count(&site, &run, pid);
}

#[test]
fn a_daemon_that_is_asked_to_end_ends_at_once_and_leaves_the_tasks_running() {
    let mut site = Site::start(&[("count.yaml", COUNT)]);
    let run = site.run(&["count"]);
    let pid = wait_for_line(&site, &run, "line 3");
    assert_eq!(site.terminate(), 0);
    assert!(processes::lives(pid), "the task goes on");
    assert!(!site.socket().exists(), "nobody is told to come");
    site.start_daemon();
    check_count(&site, &run, pid);
}

#[test]
fn a_runner_that_dies_is_replaced_and_its_task_is_taken_over() {
    let site = Site::start(&[("count.yaml", COUNT)]);
    let run = site.run(&["count"]);
    let pid = wait_for_line(&site, &run, "line 3");
    let first = site.runner().expect("a runner serves the pool");
    assert!(site.kill_runner());
    let second = wait::for_some("a new runner comes", || site.runner().filter(|it| *it != first));
    assert_ne!(first, second);
    wait::for_that("it is looked after", || site.task(&run, "count")["state"] == "running");
    assert!(processes::lives(pid), "the task does not notice");
    let lines = site.task_log(&run, "count").lines().count();
    wait::for_that("its log goes on", || site.task_log(&run, "count").lines().count() > lines + 2);
    site.write("stop", "");
    let row = wait::for_some("its fate is known", || {
        let row = site.task(&run, "count");
        ["held", "failed"].contains(&row["state"].as_str().unwrap_or_default()).then_some(row)
    });
    if row["state"] == "failed" {
        check_count(&site, &run, pid);
    } else {
        // The system has told nobody the exit code of an orphan: it is not guessed.
        assert_eq!(row["attempts"].as_array().map(Vec::len), Some(1), "{row:#}");
        assert!(row["reason"].as_str().is_some_and(|it| it.contains("nobody knows")), "{row:#}");
    }
    // The pool is of use again.
    site.write("hello.yaml", "tasks: { hello: { timeout: 1m, run: echo hello } }\n");
    site.runyard(&["reload"]).expect(0);
    site.runyard(&["run", "hello", "--wait"]).expect(0);
}

#[test]
fn an_approval_outlives_the_daemon() {
    let text = r#"
tasks:
  ask: { approval: { message: "go on?", timeout: 1h } }
  go: { needs: ask, timeout: 1m, run: echo gone }
"#;
    let mut site = Site::start(&[("ask.yaml", text)]);
    let run = site.run(&["ask"]);
    site.wait_for_task(&run, "ask", "awaiting_approval");
    let before = site.runyard(&["approvals", "--json"]).expect(0).json();
    site.kill9();
    site.start_daemon();
    let after = site.runyard(&["approvals", "--json"]).expect(0).json();
    assert_eq!(before, after, "with the same instant of expiry");
    site.runyard(&["approve", &run, "ask", "--comment", "yes"]).expect(0);
    // What was answered is on disk.
    site.kill9();
    site.start_daemon();
    assert_eq!(site.task(&run, "ask")["state"], "succeeded");
    assert_eq!(site.wait_for_end(&run)["state"], "succeeded");
}

#[test]
fn a_client_that_follows_a_run_outlives_the_daemon() {
    let mut site = Site::start(&[("count.yaml", COUNT)]);
    let waiter = site.in_background(&["run", "count", "--follow"]);
    waiter.wait_for("count#1");
    wait_for_line(&site, "1", "line 2");
    let follower = site.in_background(&["logs", "1", "count", "-f"]);
    follower.wait_for("line 2");
    site.kill9();
    site.start_daemon();
    site.write("stop", "");
    waiter.join().expect(10);
    let log = follower.join().expect(0).stdout;
    assert_eq!(log, site.task_log("1", "count"));
}

/// Waits for a line in the log of `count`, and gives the process that prints it.
fn wait_for_line(site: &Site, run: &str, line: &str) -> i32 {
    let log = wait::for_some("the task prints", || {
        let output = site.try_runyard(&["logs", run, "count"]);
        (output.code == 0 && output.stdout.contains(line)).then_some(output.stdout)
    });
    let pid = log.lines().find_map(|it| it.strip_prefix("pid ")).expect("it says which it is");
    pid.parse().expect("a process id is a number")
}

/// Ends `count`, and requires its own exit code, its log without a gap, and one attempt in one process.
fn check_count(site: &Site, run: &str, pid: i32) {
    site.write("stop", "");
    let view = site.wait_for_end(run);
    assert_eq!(view["state"], "failed");
    let row = site.task(run, "count");
    let attempts = row["attempts"].as_array().expect("it has attempts");
    assert_eq!(attempts.len(), 1, "{row:#}");
    assert_eq!((&attempts[0]["exit"], &attempts[0]["pid"]), (&7.into(), &pid.into()), "{row:#}");
    let log = site.task_log(run, "count");
    let (_, count) = log.trim_end().rsplit_once("counted ").expect("it was not cut off");
    let lines = 1..=count.parse::<u32>().expect("a count is a number");
    let lines: Vec<String> = lines.map(|it| format!("line {it}\n")).collect();
    assert_eq!(log, format!("pid {pid}\n{}counted {count}\n", lines.concat()));
}

/// Plays days on which `kill` is called after so many milliseconds, until it says that it has killed a runner.
fn a_day_on_which_the_runner_dies(after_ms: [u64; 4], kill: impl Fn(&mut Site) -> bool + Sync) {
    let undisturbed = undisturbed();
    side_by_side(after_ms.into(), |after| {
        let mut site = day::prepare(Duration::from_millis(250));
        site.start_daemon();
        let mut is_due = true;
        let rest = day::play(&mut site, |site, since| {
            if is_due && since >= Duration::from_millis(after) {
                is_due = !kill(site);
            }
        });
        match rest {
            Rest::Over => day::judge(&mut site, &undisturbed),
            Rest::Held => day::judge_held(&site),
        }
    });
}

/// The pages of a day on which nothing happens.
fn undisturbed() -> Pages {
    let mut site = day::prepare(Duration::ZERO);
    site.start_daemon();
    assert_eq!(day::play(&mut site, |_, _| {}), Rest::Over);
    let pages = day::pages(&site);
    day::judge(&mut site, &pages);
    assert_eq!(pages.len(), 7, "four regions, a front page, and the exceptions in two forms");
    pages
}

/// How often a thread of the daemon calls `fdatasync` and `fsync` on such a day, at most.
fn count_of_syncs() -> (usize, usize) {
    let mut site = day::prepare(Duration::ZERO);
    let trace = site.path().join("trace");
    let trace = trace.to_string_lossy().into_owned();
    site.launch(&strace(&["-o", &trace, "-e", "trace=fdatasync,fsync"]));
    assert_eq!(day::play(&mut site, |_, _| {}), Rest::Over);
    let text = fs::read_to_string(trace).expect("it was traced");
    let most = |call: &str| {
        let mut counts = std::collections::BTreeMap::<&str, usize>::new();
        for line in text.lines() {
            let (thread, rest) = line.split_once(' ').unwrap_or_default();
            if rest.trim_start().starts_with(&format!("{call}(")) {
                *counts.entry(thread).or_default() += 1;
            }
        }
        counts.into_values().max().unwrap_or(0)
    };
    let counts = (most("fdatasync"), most("fsync"));
    assert!(counts.0 >= 10 && counts.1 >= 5, "what is answered is on disk: {counts:?}");
    counts
}

/// Its threads are traced, but not the runner and the tasks that come of it.
fn strace<'a>(rest: &[&'a str]) -> Vec<&'a str> {
    [&["strace", "-f", "-qq", "--detach-on=execve"], rest].concat()
}

/// Does it for each, several at once.
fn side_by_side<T: Send>(list: Vec<T>, deed: impl Fn(T) + Sync) {
    let left = Mutex::new(list);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = left.lock().expect("no holder panics").pop();
                    let Some(next) = next else { return };
                    deed(next);
                }
            });
        }
    });
}
