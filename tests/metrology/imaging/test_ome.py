"""What an OME-XML header says of a laser scan, each field with its place."""

from __future__ import annotations

from metrology.imaging.ome import metadata_from_xml

XML = """<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">
 <Instrument ID="Instrument:0">
  <Microscope Manufacturer="Leica" Model="SP8" SerialNumber="8100000201"/>
  <Laser ID="LightSource:0" Wavelength="488" Power="20" PowerUnit="mW"/>
  <Detector ID="Detector:0" Model="HyD 1" Type="PMT"/>
  <Objective ID="Objective:0" Model="HC PL APO" LensNA="1.4" NominalMagnification="63" Immersion="Oil"/>
  <Objective ID="Objective:1" LensNA="0.4"/>
 </Instrument>
 <Image ID="Image:0" Name="beads"><AcquisitionDate>2024-05-03T10:20:30</AcquisitionDate><InstrumentRef ID="Instrument:0"/>
  <ObjectiveSettings ID="Objective:0" RefractiveIndex="1.518"/>
  <Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="8" SizeY="8" SizeZ="1" SizeC="1" SizeT="2"
    TimeIncrement="500" TimeIncrementUnit="ms">
   <Channel ID="Channel:0" Name="Ch1" Fluor="Alexa 488" PinholeSize="60" PinholeSizeUnit="µm" EmissionWavelength="520">
    <LightSourceSettings ID="LightSource:0" Attenuation="0.9"/>
    <DetectorSettings ID="Detector:0" Gain="720" Offset="-2" Voltage="600" Binning="2x2" Integration="4"/>
   </Channel>
   <TiffData/><Plane TheZ="0" TheC="0" TheT="0" ExposureTime="0.1" ExposureTimeUnit="s"/>
  </Pixels></Image></OME>"""


def test_settings_of_a_scan_in_ome_xml_are_found():
    found = metadata_from_xml(XML)
    fields = {name: one.value for name, one in found.fields.items()}
    assert fields.pop("acquired_at").isoformat() == "2024-05-03T10:20:30"
    assert fields == {
        "image_name": "beads",
        "time_step_s": 0.5,
        "instrument_name": "Leica SP8",
        "instrument_serial": "8100000201",
        "objective_name": "HC PL APO",
        "numerical_aperture": 1.4,
        "magnification": 63.0,
        "immersion": "Oil",
        "refractive_index": 1.518,
        "averaging": 4,
    }
    assert {name: one.value for name, one in found.channels[0].items()} == {
        "name": "Ch1",
        "dye": "Alexa 488",
        "emission_nm": 520.0,
        "pinhole_um": 60.0,
        "detector_name": "HyD 1",
        "detector_type": "PMT",
        "gain": 720.0,
        "offset": -2.0,
        "detector_voltage_v": 600.0,
        "binning": "2x2",
        "averaging": 4,
        "exposure_ms": 100.0,
        "laser_line_nm": 488.0,
        "laser_power": 20.0,
        "laser_power_unit": "mW",
        "laser_attenuation": 0.9,
    }
    assert all(one.source.startswith("OME-XML ") for one in found.channels[0].values())
