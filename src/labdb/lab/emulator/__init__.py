# SPDX-License-Identifier: AGPL-3.0-or-later
"""An emulated Proxmox VE cluster: fakepve plus what provisioning a database needs.

Runs only as ``python -m labdb.lab.emulator``; nothing else of labdb imports it.
"""
