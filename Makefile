# Two commands on a fresh machine: `make lab` shows the product, `make test` tests it.

HOST := sh src/labdb/lab/host.sh
BIN := .venv/bin
INVENTORY := inventories/lab
SERVER := proj-pg01
REPOSITORY_HOST := proj-bak01

.PHONY: lab lab-down test test-machine test-long venv

# The declared server and the host that keeps its backups, provisioned on the embedded lab, each
# with its verification report.
lab: venv
	$(HOST) root $(BIN)/labdb lab up
	$(HOST) root $(BIN)/labdb provision $(REPOSITORY_HOST) -i $(INVENTORY) --yes
	$(HOST) root $(BIN)/labdb provision $(SERVER) -i $(INVENTORY) --yes

# The lab and its guests taken away again; caches and keys stay.
lab-down:
	$(HOST) root $(BIN)/labdb lab down

# Every check, and every test but those that take minutes each.
test: venv
	$(HOST) root $(BIN)/nox

# The declared server as a virtual machine under QEMU, emulated: a quarter of an hour.
test-machine: export LABDB_E2E_QEMU := 1
test-machine: venv
	$(HOST) root $(BIN)/nox --session virtual_machine

# Every test (those marked long too, the virtual machine, thirty moments restored under load), and the
# benchmarks of provisioning and of backups, whose figures go into docs/explanation.
test-long: export LABDB_E2E_QEMU := 1
test-long: export LABDB_PITR_TARGETS := 30
test-long: export LABDB_LONG := 1
test-long: test
	$(HOST) root $(BIN)/python bench/provision/run.py
	$(HOST) root $(BIN)/python bench/backup/run.py --scale 0.5 --rounds 2

# What both need: packages of the system, the Docker daemon, a virtual environment.
venv:
	$(HOST) packages docker venv
