//! The program `limbeck`.

fn main() -> std::process::ExitCode {
    limbeck::cli::main()
}
