def test_the_template_is_what_guests_are_cloned_from(cluster):
    built = cluster.guests()[9100]
    assert built["template"] == 1
    assert built["machine"].startswith("q35")
    assert built["scsihw"] == "virtio-scsi-single"
    assert "cloudinit" in str(built)
    assert str(built["agent"]).startswith(("1", "enabled=1"))


def test_a_template_that_is_there_is_left_alone(cluster, play_again):
    before = cluster.guests()[9000]
    again = play_again(molecule_declares={"guest": {"template": {"vmid": 9000}}})
    assert again.returncode == 0, again.stdout
    assert "changed=0" in again.stdout
    assert cluster.guests()[9000] == before


def test_an_image_without_a_good_checksum_is_refused(cluster, play_again):
    refused = play_again(
        proxmox_template_image_checksum="md5:abc",
        molecule_declares={"guest": {"template": {"vmid": 9101}}},
    )
    assert refused.returncode != 0
    assert "checksum" in refused.stdout
    assert 9101 not in cluster.guests()
