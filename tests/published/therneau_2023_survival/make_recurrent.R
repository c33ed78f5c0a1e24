# Rscript make_recurrent.R FOLDER > r_recurrent.csv     writes bladder1.csv, bladder2.csv, bladder.csv, cgd.csv to FOLDER; see README.md
suppressMessages(library(survival))
folder <- commandArgs(TRUE)[1]
out <- function(name, value) cat(sprintf("%s,%.15g\n", name, as.numeric(value)), sep = "")
keep <- function(data, name) write.csv(data, file.path(folder, paste0(name, ".csv")), row.names = FALSE, quote = FALSE)
cat("name,value\n")
exact <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 50)
cox <- function(prefix, fit) {
  p <- seq_along(coef(fit))
  out(paste0(prefix, ".coef.", p), coef(fit))
  out(paste0(prefix, ".naive.", p), sqrt(diag(if (is.null(fit$naive.var)) fit$var else fit$naive.var)))
  if (!is.null(fit$naive.var)) out(paste0(prefix, ".robust.", p), sqrt(diag(fit$var)))
  out(paste0(prefix, ".", c("null", "loglik")), fit$loglik)
}
both <- function(prefix, formula, data) {
  for (ties in c("efron", "breslow"))
    cox(paste(prefix, ties, sep = "."), do.call(coxph, list(formula, data, cluster = quote(id), ties = ties, control = exact)))
}

# --- bladder2: recurrences of 85 patients, first four (Wei, Lin & Weissfeld 1989)
b <- bladder2
keep(b, "bladder2")
b$last <- pmin(b$enum, 3)
both("bladder2.pwp_gap", Surv(stop - start, event) ~ rx + size + number + strata(enum), b)
both("bladder2.pwp_total", Surv(start, stop, event) ~ rx + size + number + strata(enum), b)
both("bladder2.pooled", Surv(stop - start, event) ~ rx + size + number + strata(last), b)
both("bladder2.ag", Surv(start, stop, event) ~ rx + size + number, b)
w <- bladder[, c("id", "rx", "number", "size", "stop", "event", "enum")]
keep(w, "bladder")
both("bladder.wlw", Surv(stop, event) ~ rx + size + number + strata(enum), w)
# --- bladder1: all recurrences, three treatments; deaths censor, gaps of no length are left out
f <- bladder1[bladder1$stop > bladder1$start, c("id", "treatment", "number", "size", "start", "stop", "status", "enum")]
keep(f, "bladder1")
f$event <- as.integer(f$status == 1)
f$last <- pmin(f$enum, 4)
both("bladder1.pwp_gap", Surv(stop - start, event) ~ treatment + number + size + strata(last), f)
both("bladder1.ag", Surv(start, stop, event) ~ treatment + number + size, f)

# --- cgd: infections of 128 patients
g <- cgd[, c("id", "treat", "sex", "age", "inherit", "steroids", "propylac", "tstart", "enum", "tstop", "status")]
keep(g, "cgd")
g$last <- pmin(g$enum, 3)
both("cgd.pwp_gap", Surv(tstop - tstart, status) ~ treat + inherit + age + steroids + strata(last), g)
both("cgd.pwp_total", Surv(tstart, tstop, status) ~ treat + inherit + age + steroids + strata(last), g)
both("cgd.ag", Surv(tstart, tstop, status) ~ treat + inherit + age + steroids + propylac, g)
# P(no infection within 100 days | none for 50), second gap, of the first patient
fit <- coxph(Surv(tstop - tstart, status) ~ treat + inherit + age + steroids + strata(last), g, cluster = id, control = exact)
for (i in 1:3) {
  s <- survfit(fit, transform(g[i, ], last = 2))
  at <- summary(s, times = c(50, 150))$surv
  out(paste("cgd.no_event", i, sep = "."), at[2] / at[1])
}

# --- Kaplan-Meier of the gaps with errors by patient
km <- function(prefix, formula, data, times) {
  s <- do.call(survfit, list(formula, data, cluster = quote(id), conf.type = "log-log"))
  a <- summary(s, times = times)
  out(paste(prefix, times, "surv", sep = "."), a$surv)
  out(paste(prefix, times, "se", sep = "."), a$std.err)
}
km("bladder2.km", Surv(stop - start, event) ~ 1, b, c(5, 10, 20, 30))
km("cgd.km", Surv(tstop - tstart, status) ~ 1, g, c(50, 100, 200, 300))
g$late <- floor((seq_len(nrow(g)) %% 5) * (g$tstop - g$tstart - 1) / 5)
km("cgd.km_late", Surv(late, tstop - tstart, status) ~ 1, g, c(50, 100, 200, 300))
