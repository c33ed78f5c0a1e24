# Rscript make.R FOLDER > r_reference.csv     FOLDER holds rossi.csv, lung.csv, heart.csv, telco.csv; see README.md
suppressMessages(library(survival))
folder <- commandArgs(TRUE)[1]
get <- function(name) read.csv(file.path(folder, name), stringsAsFactors = FALSE)
out <- function(name, value) cat(sprintf("%s,%.15g\n", name, as.numeric(value)), sep = "")
cat("name,value\n")
exact <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 50)
names_of <- function(v, prefix) paste(prefix, seq_along(v), sep = ".")

cox <- function(prefix, fit) {
  out(names_of(coef(fit), paste0(prefix, ".coef")), coef(fit))
  out(names_of(coef(fit), paste0(prefix, ".se")), sqrt(diag(vcov(fit))))
  out(paste0(prefix, ".", c("null", "loglik")), fit$loglik)
  if (!is.null(fit$concordance)) {
    out(paste0(prefix, ".c"), fit$concordance["concordance"])
    out(paste0(prefix, ".c_se"), fit$concordance["std"])
  }
}
zph <- function(prefix, fit, ...) for (tr in c("km", "identity", "log", "rank")) {
  z <- cox.zph(fit, transform = tr, ...)$table
  out(names_of(z[, 1], paste(prefix, tr, "chisq", sep = ".")), z[, 1])
  out(names_of(z[, 3], paste(prefix, tr, "p", sep = ".")), z[, 3])
}
curve <- function(prefix, fit, times, ...) {
  s <- summary(fit, times = times, extend = TRUE)
  for (i in seq_along(times)) {
    out(paste(prefix, times[i], c("surv", "low", "high"), sep = "."), c(s$surv[i], s$lower[i], s$upper[i]))
    out(paste(prefix, times[i], "at_risk", sep = "."), s$n.risk[i])
  }
}
# every digit: the table of a summary is computed from rounded nothing, but its columns are named
rmst <- function(prefix, fit, tau) {
  t <- summary(fit, rmean = tau)$table
  if (is.null(dim(t))) t <- t(as.matrix(t))
  out(paste0(prefix, ".rmst.", seq_len(nrow(t))), t[, "rmean"])
  out(paste0(prefix, ".rmst_se.", seq_len(nrow(t))), t[, "se(rmean)"])
  out(paste0(prefix, ".median.", seq_len(nrow(t))), t[, "median"])
  out(paste0(prefix, ".median_low.", seq_len(nrow(t))), t[, "0.95LCL"])
  out(paste0(prefix, ".median_high.", seq_len(nrow(t))), t[, "0.95UCL"])
}

# --- Rossi
r <- get("rossi.csv")
f <- Surv(week, arrest) ~ fin + age + race + wexp + mar + paro + prio
fit <- coxph(f, r, control = exact)
cox("rossi.efron", fit)
out(paste0("rossi.efron.", c("lr", "wald", "score")), c(2 * diff(fit$loglik), fit$wald.test, fit$score))
cox("rossi.breslow", coxph(f, r, ties = "breslow", control = exact))
strat <- coxph(Surv(week, arrest) ~ fin + age + race + strata(wexp) + mar + paro + prio, r, control = exact)
cox("rossi.strata", strat)
rob <- coxph(f, r, robust = TRUE, control = exact)
out(names_of(coef(rob), "rossi.robust_se"), sqrt(diag(rob$var)))
r$group <- r$prio %% 20
clu <- coxph(f, r, cluster = group, control = exact)
out(names_of(coef(clu), "rossi.cluster_se"), sqrt(diag(clu$var)))
zph("rossi.zph", fit)
zph("rossi.zph_breslow", coxph(f, r, ties = "breslow", control = exact))
zph("rossi.zph_strata", strat)
r$band <- factor(cut(r$age, c(0, 20, 25, 99)))
grouped <- coxph(Surv(week, arrest) ~ fin + band + prio, r, control = exact)
cox("rossi.grouped", grouped)
zph("rossi.zph_grouped", grouped)
# whole-number weights as so many customers: R is given the expanded rows
r$n <- 1 + (seq_len(nrow(r)) %% 3)
wide <- r[rep(seq_len(nrow(r)), r$n), ]
expanded <- coxph(f, wide, control = exact)
cox("rossi.weighted", expanded)
zph("rossi.zph_weighted", expanded)
# left truncation: customers seen from week (row mod 5) * (week - 1) / 5 on
r$entry <- floor((seq_len(nrow(r)) %% 5) * (r$week - 1) / 5)
late <- coxph(Surv(entry, week, arrest) ~ fin + age + race + wexp + mar + paro + prio, r, control = exact)
cox("rossi.late", late)
zph("rossi.zph_late", late)
for (i in 1:3) {
  for (kind in c("efron", "breslow")) {
    s <- summary(survfit(fit, r[i, ], ctype = if (kind == "efron") 2 else 1, stype = 2), times = c(30, 52))
    out(paste("rossi.surv", kind, i, c(30, 52), sep = "."), s$surv)
    out(paste("rossi.cumhaz_se", kind, i, c(30, 52), sep = "."), s$std.err / s$surv)
  }
  s <- summary(survfit(strat, r[i, ]), times = 52)
  out(paste("rossi.strata_surv", i, sep = "."), s$surv)
  s <- summary(survfit(late, r[i, ]), times = c(30, 52))
  out(paste("rossi.late_surv", i, c(30, 52), sep = "."), s$surv)
}
km <- survfit(Surv(week, arrest) ~ 1, r, conf.type = "log")
curve("rossi.km.log", km, c(10, 20, 30, 40, 52))
curve("rossi.km.loglog", survfit(Surv(week, arrest) ~ 1, r, conf.type = "log-log"), c(10, 20, 30, 40, 52))
curve("rossi.km_weighted", survfit(Surv(week, arrest) ~ 1, wide, conf.type = "log-log"), c(10, 52))
curve("rossi.km_late", survfit(Surv(entry, week, arrest) ~ 1, r, conf.type = "log-log"), c(10, 30, 52))
rmst("rossi.fin", survfit(Surv(week, arrest) ~ fin, r), 52)
out("rossi.logrank", survdiff(Surv(week, arrest) ~ fin, r)$chisq)
out("rossi.logrank_strata", survdiff(Surv(week, arrest) ~ fin + strata(race), r)$chisq)
out("rossi.logrank_rho", survdiff(Surv(week, arrest) ~ fin, r, rho = 1)$chisq)
out("rossi.logrank_k", survdiff(Surv(week, arrest) ~ band, r)$chisq)
# two reasons of leaving, made from the data: odd and even ages
r$cause <- factor(ifelse(r$arrest == 0, 0, ifelse(r$age %% 2 == 1, 1, 2)))
aj <- summary(survfit(Surv(week, cause) ~ 1, r, conf.type = "log-log"), times = c(20, 40, 52))
for (j in 1:2) {
  out(paste("rossi.cif", j, c(20, 40, 52), sep = "."), aj$pstate[, j + 1])
  out(paste("rossi.cif_se", j, c(20, 40, 52), sep = "."), aj$std.err[, j + 1])
}
r$id <- seq_len(nrow(r))
fg <- finegray(Surv(week, cause) ~ ., r, etype = "1")
out("rossi.finegray.rows", nrow(fg))
cox("rossi.finegray", coxph(Surv(fgstart, fgstop, fgstatus) ~ fin + age + prio, fg, weights = fgwt, control = exact))

# --- lung
l <- get("lung.csv")
fit <- coxph(Surv(time, status) ~ age + sex + ph.ecog, l, control = exact)
cox("lung", fit)
zph("lung.zph", fit)
u <- concordance(fit, timewt = "n/G2")
out(c("lung.uno", "lung.uno_se"), c(u$concordance, sqrt(u$var)))
out("lung.uno_ymax", concordance(fit, timewt = "n/G2", ymax = 500)$concordance)
h <- concordance(fit, ymax = 500)
out(c("lung.harrell_ymax", "lung.harrell_ymax_se"), c(h$concordance, sqrt(h$var)))
rmst("lung.all", survfit(Surv(time, status) ~ 1, l, conf.type = "log"), 800)
rmst("lung.sex", survfit(Surv(time, status) ~ sex, l, conf.type = "log"), 800)
rmst("lung.loglog", survfit(Surv(time, status) ~ sex, l, conf.type = "log-log"), 800)
out("lung.logrank", survdiff(Surv(time, status) ~ sex, l)$chisq)
keep <- l[!is.na(l$ph.ecog), ]
# two causes of death, made from the data: odd and even days; censoring comes early and late, so the weights matter
keep$cause <- factor(ifelse(keep$status == 0, 0, ifelse(keep$time %% 2 == 1, 1, 2)))
keep$id <- seq_len(nrow(keep))
fg <- finegray(Surv(time, cause) ~ ., keep, etype = "1")
sub <- coxph(Surv(fgstart, fgstop, fgstatus) ~ age + sex + ph.ecog, fg, weights = fgwt, cluster = id, control = exact)
cox("lung.finegray", sub)
out(paste0("lung.finegray.naive_se.", 1:3), sqrt(diag(sub$naive.var)))
out(paste0("lung.lp.", 1:3), predict(fit, keep[1:3, ], type = "lp"))

# --- Stanford hearts: covariates that change with time
h <- get("heart.csv")
fit <- coxph(Surv(start, stop, event) ~ age + surgery + transplant, h, control = exact)
cox("heart", fit)
zph("heart.zph", fit)
clu <- coxph(Surv(start, stop, event) ~ age + surgery + transplant, h, cluster = id, control = exact)
out(names_of(coef(clu), "heart.cluster_se"), sqrt(diag(clu$var)))

# --- MGUS2, in survival itself: progression (1) against death without (2)
m <- mgus2
m$time <- with(m, ifelse(pstat == 0, futime, ptime))
m$event <- factor(with(m, ifelse(pstat == 0, 2 * death, 1)), 0:2)
s <- summary(survfit(Surv(time, event) ~ 1, m), times = c(60, 120, 240))
for (j in 1:2) {
  out(paste("mgus2.cif", j, c(60, 120, 240), sep = "."), s$pstate[, j + 1])
  out(paste("mgus2.cif_se", j, c(60, 120, 240), sep = "."), s$std.err[, j + 1])
}
out("mgus2.naive.240", 1 - summary(survfit(Surv(time, event == 1) ~ 1, m), times = 240)$surv)
full <- na.omit(m[, c("time", "event", "age", "sex", "mspike")])
fg <- finegray(Surv(time, event) ~ ., full, etype = "1")
cox("mgus2.finegray", coxph(Surv(fgstart, fgstop, fgstatus) ~ age + sex + mspike, fg, weights = fgwt, control = exact))
write.csv(aggregate(n ~ time + event + sex, cbind(m, n = 1), sum), file.path(folder, "mgus2.csv"), row.names = FALSE, quote = FALSE)

# --- Telco
t <- get("telco.csv")
t$event <- as.integer(t$churn == "Yes")
t$contract <- factor(t$contract, c("Month-to-month", "One year", "Two year"))
km <- survfit(Surv(tenure, event) ~ 1, t, conf.type = "log-log")
curve("telco.km", km, c(12, 24, 72))
rmst("telco.all", km, 72)
rmst("telco.contract", survfit(Surv(tenure, event) ~ contract, t, conf.type = "log-log"), 72)
for (v in c("female", "senior_citizen", "partner", "internet_service", "payment_method", "contract"))
  out(paste0("telco.logrank.", v), survdiff(as.formula(paste("Surv(tenure, event) ~", v)), t)$chisq)
yes <- function(x) as.integer(x == "Yes")
t$charge <- t$monthly_charges
for (v in c("multiple_lines", "online_security", "online_backup", "device_protection", "tech_support", "streaming_tv", "streaming_movies")) t[[v]] <- yes(t[[v]])
t$payment <- factor(t$payment_method, c("Bank transfer (automatic)", "Credit card (automatic)", "Electronic check", "Mailed check"))
fit <- coxph(Surv(tenure, event) ~ female + senior_citizen + partner + dependents + multiple_lines + online_security + online_backup +
  device_protection + tech_support + contract + paperless_billing + payment + charge +
  strata(internet_service, streaming_movies, streaming_tv, phone_service), t, control = exact)
cox("telco.notebook", fit)
zph("telco.zph", fit)
