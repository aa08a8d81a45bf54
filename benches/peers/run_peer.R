# One R program in a process of its own: gets requests, computes, says how long that took.
# `Rscript run_peer.R PROGRAM FOLDER`; requests and replies are those of run_peer.py.

options(mc.cores = 1)

programs <- list(
  EGAnet = function(answers) EGAnet::polychoric.matrix(answers, na.data = "pairwise"),
  psych = function(answers) psych::polychoric(answers, smooth = FALSE, global = TRUE, correct = 0)$rho,
  lavaan = function(answers) {
    missing <- if (anyNA(answers)) "pairwise" else "listwise"
    lavaan::lavCor(answers, ordered = names(answers), missing = missing, estimator = "two.step")
  },
  polycor = function(answers) {
    items <- ncol(answers)
    rho <- diag(items)
    for (i in seq_len(items - 1)) {
      for (j in (i + 1):items) {
        rho[i, j] <- rho[j, i] <- polycor::polychor(answers[[i]], answers[[j]], ML = FALSE, std.err = FALSE)
      }
    }
    rho
  }
)

text <- function(string) {
  string <- gsub("[[:cntrl:]]+", " ", string)
  paste0('"', gsub('(["\\\\])', "\\\\\\1", string), '"')
}

number <- function(x) ifelse(is.finite(x), sprintf("%.17g", x), "NaN")

send <- function(...) {
  fields <- list(...)
  cat("@{", paste0('"', names(fields), '": ', fields, collapse = ", "), "}\n", sep = "", file = stdout())
  flush(stdout())
}

cpu_secs <- function() sum(proc.time()[c("user.self", "sys.self", "user.child", "sys.child")], na.rm = TRUE)

answer <- function(matrix_of, request, answers, replicates) {
  rows <- if (request[[1]] == "replicate") replicates[[as.integer(request[[2]]) + 1]] + 1 else seq_len(nrow(answers))
  items <- as.integer(request[[length(request)]])
  data <- answers[rows, seq_len(items)]
  rownames(data) <- NULL
  warned <- NULL
  cpu <- cpu_secs()
  wall <- Sys.time()
  rho <- withCallingHandlers(
    matrix_of(data),
    warning = function(condition) {
      if (is.null(warned)) warned <<- conditionMessage(condition)
      invokeRestart("muffleWarning")
    }
  )
  secs <- as.numeric(difftime(Sys.time(), wall, units = "secs"))
  cpu <- cpu_secs() - cpu
  rho <- as.matrix(unclass(rho))
  if (any(dim(rho) != items)) {
    stop(sprintf("a matrix of %d x %d came back for %d items", nrow(rho), ncol(rho), items))
  }
  # R counts down the columns, so the lower triangle of the transpose is the upper one row by row.
  rho <- paste0("[", paste(number(t(rho)[lower.tri(rho)]), collapse = ", "), "]")
  fields <- list(secs = number(secs), cpu_secs = number(cpu), rho = rho)
  if (!is.null(warned)) fields$warning <- text(warned)
  do.call(send, fields)
}

main <- function(program, folder) {
  if (!requireNamespace(program, quietly = TRUE)) {
    send(absent = "true")
    return(invisible())
  }
  answers <- read.csv(file.path(folder, "answers.csv"))
  lines <- readLines(file.path(folder, "replicates.csv"))
  replicates <- lapply(strsplit(lines, ",", fixed = TRUE), as.integer)
  send(version = text(as.character(packageVersion(program))), runtime = text(paste("R", getRversion())))
  requests <- file("stdin", open = "r")
  while (length(line <- readLines(requests, n = 1)) > 0) {
    tryCatch(
      answer(programs[[program]], strsplit(line, " ", fixed = TRUE)[[1]], answers, replicates),
      error = function(condition) send(error = text(conditionMessage(condition)))
    )
  }
}

arguments <- commandArgs(trailingOnly = TRUE)
main(arguments[[1]], arguments[[2]])
