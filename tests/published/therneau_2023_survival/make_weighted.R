# Rscript make_weighted.R FOLDER > r_weighted.csv     FOLDER holds rossi.csv, lung.csv, heart.csv; see README.md
suppressMessages(library(survival))
suppressMessages(library(survey))
folder <- commandArgs(TRUE)[1]
get <- function(name) read.csv(file.path(folder, name), stringsAsFactors = FALSE)
out <- function(name, value) cat(sprintf("%s,%.15g\n", name, as.numeric(value)), sep = "")
cat("name,value\n")
exact <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 50)

cox <- function(prefix, fit) {
  p <- seq_along(coef(fit))
  out(paste0(prefix, ".coef.", p), coef(fit))
  out(paste0(prefix, ".naive.", p), sqrt(diag(fit$naive.var)))
  out(paste0(prefix, ".robust.", p), sqrt(diag(fit$var)))
  out(paste0(prefix, ".", c("null", "loglik")), fit$loglik)
  out(paste0(prefix, ".score"), fit$rscore)
}
curve <- function(prefix, fit, times) {
  s <- summary(fit, times = times, extend = TRUE)
  for (i in seq_along(s$time)) {
    name <- if (is.null(s$strata)) prefix else paste(prefix, sub(".*=", "", s$strata[i]), sep = ".")
    out(paste(name, s$time[i], c("surv", "se", "low", "high"), sep = "."), c(s$surv[i], s$std.err[i], s$lower[i], s$upper[i]))
  }
}

r <- get("rossi.csv")
k <- seq_len(nrow(r))
r$w <- 0.5 + (k %% 7) / 4                          # sampling weights
r$n <- 1 + k %% 3                                  # the same, in whole numbers
r$entry <- floor(k %% 5 * (r$week - 1) / 5)
r$who <- r$prio                                    # clusters
r$k <- k                                           # a row each: R asks for it where rows have an entry
r$band <- cut(r$age, c(0, 20, 25, 99), labels = c("a", "b", "c"))
f <- Surv(week, arrest) ~ fin + age + race + wexp + mar + paro + prio
few <- Surv(week, arrest) ~ fin + band + race      # 12 patterns: as cells
late <- Surv(entry, week, arrest) ~ fin + age + prio
for (ties in c("efron", "breslow")) {
  name <- function(what) paste("rossi", what, ties, sep = ".")
  cox(name("w"), coxph(f, r, weights = w, robust = TRUE, ties = ties, control = exact))
  cox(name("n"), coxph(f, r, weights = n, robust = TRUE, ties = ties, control = exact))
  cox(name("cluster"), coxph(f, r, weights = w, cluster = who, ties = ties, control = exact))
  cox(name("few"), coxph(few, r, weights = w, robust = TRUE, ties = ties, control = exact))
  cox(name("few_cluster"), coxph(few, r, weights = w, cluster = who, ties = ties, control = exact))
  cox(name("few_plain"), coxph(few, r, cluster = who, ties = ties, control = exact))
  cox(name("strata"), coxph(update(few, . ~ . + strata(wexp)), r, weights = w, robust = TRUE, ties = ties, control = exact))
  cox(name("late"), coxph(late, r, weights = w, cluster = k, ties = ties, control = exact))
}
h <- get("heart.csv")
h$w <- 0.5 + (h$id %% 7) / 4
heart <- Surv(start, stop, event) ~ age + surgery + transplant
cox("heart.w", coxph(heart, h, weights = w, cluster = id, control = exact))

# --- Kaplan-Meier
for (type in c("log", "log-log", "plain")) {
  name <- function(what) paste("rossi", "km", what, gsub("-", "", type), sep = ".")
  at <- c(10, 30, 52)
  curve(name("w"), survfit(Surv(week, arrest) ~ fin, r, weights = w, robust = TRUE, conf.type = type), at)
  curve(name("n"), survfit(Surv(week, arrest) ~ 1, r, weights = n, robust = TRUE, conf.type = type), at)
  curve(name("cluster"), survfit(Surv(week, arrest) ~ fin, r, weights = w, cluster = who, conf.type = type), at)
  curve(name("late"), survfit(Surv(entry, week, arrest) ~ 1, r, weights = w, id = k, robust = TRUE, conf.type = type), at)
}
l <- get("lung.csv")
l$w <- 0.5 + (seq_len(nrow(l)) %% 7) / 4
fit <- survfit(Surv(time, status) ~ sex, l, weights = w, robust = TRUE, conf.type = "log-log")
for (part in c("median", "0.95LCL", "0.95UCL")) out(paste0("lung.", part, ".", 1:2), summary(fit)$table[, part])
for (g in 1:2) {                                   # restricted means: the influence of each row on the area
  one <- survfit(Surv(time, status) ~ 1, l[l$sex == unique(sort(l$sex))[g], ], weights = w, robust = TRUE)
  out(paste0("lung.rmst.", g), summary(one, rmean = 500)$table["rmean"])
  out(paste0("lung.rmst_se.", g), sqrt(sum(residuals(one, times = 500, type = "auc", weighted = TRUE)^2)))
}

# --- log-rank: the robust score test of a Cox model with Breslow ties
score <- function(name, fit) out(paste0("rossi.logrank.", name), fit$rscore)
score("fin", coxph(Surv(week, arrest) ~ fin, r, weights = w, robust = TRUE, ties = "breslow", control = exact))
score("band", coxph(Surv(week, arrest) ~ band, r, weights = w, robust = TRUE, ties = "breslow", control = exact))
score("strata", coxph(Surv(week, arrest) ~ fin + strata(race), r, weights = w, robust = TRUE, ties = "breslow", control = exact))
score("cluster", coxph(Surv(week, arrest) ~ band, r, weights = w, cluster = who, ties = "breslow", control = exact))
score("late", coxph(Surv(entry, week, arrest) ~ band, r, weights = w, cluster = k, ties = "breslow", control = exact))
score("n", coxph(Surv(week, arrest) ~ band, r, weights = n, robust = TRUE, ties = "breslow", control = exact))
# survey's test centres the scores; it has Efron ties, so the times are made different
r$apart <- r$week + k / 1000
design <- svydesign(ids = ~1, weights = ~w, data = r)
for (rho in c(0, 1)) {
  found <- svylogrank(Surv(apart, arrest) ~ fin, design, rho = rho)
  out(paste0("rossi.svylogrank.", rho), found[[2]]["Chisq"])
}

# --- concordance of a linear predictor: late entry, strata, weights, clusters; and of a fit with both
agree <- function(name, c) out(paste0("rossi.c.", name, c("", ".se")), c(c$concordance, sqrt(c$var)))
lp <- predict(coxph(late, r, control = exact))
r$lp <- lp
entered <- Surv(entry, week, arrest) ~ lp
agree("late", concordance(entered, r, reverse = TRUE))
agree("late_strata", concordance(update(entered, . ~ . + strata(race)), r, reverse = TRUE))
agree("strata", concordance(Surv(week, arrest) ~ lp + strata(race), r, reverse = TRUE))
agree("weighted", concordance(update(entered, . ~ . + strata(race)), r, weights = w, reverse = TRUE))
agree("cluster", concordance(update(entered, . ~ . + strata(race)), r, weights = w, cluster = who, reverse = TRUE))
agree("ymax", concordance(update(entered, . ~ . + strata(race)), r, weights = w, ymax = 40, reverse = TRUE))
agree("uno", concordance(Surv(week, arrest) ~ lp + strata(race), r, timewt = "n/G2", ymax = 40, reverse = TRUE))
fit <- coxph(update(late, . ~ . + strata(race)), r, control = exact)
out(c("rossi.c.fit", "rossi.c.fit.se"), fit$concordance[c("concordance", "std")])
