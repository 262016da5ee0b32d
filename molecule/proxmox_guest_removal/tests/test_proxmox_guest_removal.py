"""The scenario's own play retires; the second step is asked for here."""

KEPT = ("scsi0", "scsi1", "scsi2", "net0")


def test_a_retired_guest_is_off_and_lacks_nothing(cluster):
    guest = cluster.guests()[2002]
    assert guest["status"] == "stopped"
    assert not guest.get("protection")
    assert all(name in guest for name in KEPT)


def test_a_name_that_is_not_the_guests_removes_nothing(cluster, play_again):
    other = play_again(proxmox_guest_removal_step="destroy", proxmox_guest_removal_confirm_name="x")
    assert other.returncode != 0
    assert 2002 in cluster.guests()


def test_destroyed_is_gone_and_its_neighbours_are_not(cluster, play_again):
    before = set(cluster.guests())
    gone = play_again(proxmox_guest_removal_step="destroy")
    assert gone.returncode == 0, gone.stdout
    assert set(cluster.guests()) == before - {2002}


def test_what_is_gone_stays_gone(play_again):
    again = play_again(proxmox_guest_removal_step="destroy")
    assert again.returncode == 0, again.stdout
    assert "changed=0" in again.stdout
