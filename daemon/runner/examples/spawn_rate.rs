//! How many attempts of `/bin/true` a second pass through a runner, from spawn to released end.
//!
//! `cargo run --release -p runner --example spawn_rate -- RUNNER [ATTEMPTS] [IN_FLIGHT]`

use runner::protocol::{Decoder, Frame, Spawn, encode};
use std::error::Error;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let runner = args.first().ok_or("name the runner's binary")?;
    let number = |at: usize, or: u64| args.get(at).map_or(Ok(or), |it| it.parse());
    let (attempts, in_flight) = (number(1, 5000)?, number(2, 8)?);
    let folder = std::env::temp_dir().join(format!("spawn-rate-{}", std::process::id()));
    std::fs::create_dir(&folder)?;
    let socket = folder.join("socket");
    let mut process = Command::new(runner)
        .arg("--dir")
        .arg(folder.join("pool"))
        .arg("--socket")
        .arg(&socket)
        .args(["--pool", "local"])
        .spawn()?;
    let mut stream = connect(&socket)?;
    let before = Instant::now();
    let result = play(&mut stream, attempts, in_flight);
    let took = before.elapsed();
    let cpu = cpu_ms(&process);
    stream.write_all(&encode(&Frame::Bye))?;
    process.wait()?;
    std::fs::remove_dir_all(&folder)?;
    result?;
    let rate = attempts as f64 / took.as_secs_f64();
    let each = cpu? as f64 * 1000.0 / attempts as f64;
    writeln!(
        io::stdout(),
        "{rate:.0} attempts a second; {each:.0} µs CPU each (runner and tasks)"
    )?;
    Ok(())
}

fn connect(socket: &std::path::Path) -> io::Result<UnixStream> {
    let until = Instant::now() + Duration::from_secs(5);
    loop {
        match UnixStream::connect(socket) {
            Err(_) if Instant::now() < until => std::thread::sleep(Duration::from_millis(1)),
            other => return other,
        }
    }
}

fn play(stream: &mut UnixStream, attempts: u64, in_flight: u64) -> Result<(), Box<dyn Error>> {
    let hello = Frame::Hello { proto_min: 1, proto_max: 1, epoch: 1, store: 1 };
    stream.write_all(&encode(&hello))?;
    let mut decoder = Decoder::default();
    let mut buffer = [0; 65536];
    let (mut sent, mut ended) = (0, 0);
    while ended < attempts {
        while sent < attempts && sent - ended < in_flight {
            sent += 1;
            stream.write_all(&encode(&Frame::Spawn(spawn(sent))))?;
        }
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Err("the runner hung up".into());
        }
        decoder.push(&buffer[..length]);
        let mut released = Vec::new();
        while let Some(frame) = decoder.pop()? {
            match frame {
                Frame::Ended { attempt, .. } => released.push(attempt),
                Frame::Refused { reason, .. } => return Err(reason.into()),
                _ => (),
            }
        }
        ended += released.len() as u64;
        if !released.is_empty() {
            stream.write_all(&encode(&Frame::Release { attempts: released }))?;
        }
    }
    Ok(())
}

fn spawn(attempt: u64) -> Spawn {
    Spawn {
        attempt,
        name: format!("a-{attempt}"),
        run: "r".to_owned(),
        argv: vec![b"/bin/true".to_vec()],
        working_dir: b"/".to_vec(),
        grace_ms: 1000,
        log_head: 1 << 20,
        log_tail: 1 << 20,
        ..Spawn::default()
    }
}

/// CPU time of the runner and the tasks it has reaped.
fn cpu_ms(process: &Child) -> Result<u64, Box<dyn Error>> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.id()))?;
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    let ticks: u64 = fields.skip(11).take(4).filter_map(|it| it.parse::<u64>().ok()).sum();
    Ok(ticks * 10)
}
