using UnityEngine;

namespace Vcg.Bridge
{
    /// <summary>A connection to a server that characters of the scene share.</summary>
    /// <remarks>Its sockets and threads are closed when it is disabled, which Unity also does when play mode ends, the scene is
    /// left, scripts are reloaded or the application quits: with domain reload switched on or off.</remarks>
    [AddComponentMenu("VCG Bridge/VCG Client")]
    [DisallowMultipleComponent]
    public sealed class VcgClientBehaviour : MonoBehaviour
    {
        [SerializeField, Tooltip("tcp://HOST:PORT, or tls://HOST:PORT together with a certificate pin.")]
        string address = Vocabulary.DefaultAddress;

        [SerializeField]
        [Tooltip("Where the server asks for one, beyond this machine with tls:// only. It is in the build for everybody to read.")]
        string token = "";

        [SerializeField, Tooltip("Of TLS: the sha256 of the server's certificate or public key, 64 hex digits.")]
        string certificatePin = "";

        VcgClient client;

        /// <summary>"tcp://HOST:PORT" or "tls://HOST:PORT". A change holds from the next time the component is enabled.</summary>
        public string Address
        {
            get { return address; }
            set { address = value; }
        }

        /// <summary>Where the server asks for one. A change holds from the next time the component is enabled.</summary>
        public string Token
        {
            get { return token; }
            set { token = value; }
        }

        /// <summary>See VcgClientOptions.CertificatePin. A change holds from the next time the component is enabled.</summary>
        public string CertificatePin
        {
            get { return certificatePin; }
            set { certificatePin = value; }
        }

        /// <summary>The client. It connects with the first request. Null while the component is disabled.</summary>
        /// <exception cref="VcgException">the address or the certificate pin is wrong, or the token would travel in clear
        /// </exception>
        public VcgClient Client
        {
            get
            {
                if (client == null && isActiveAndEnabled)
                    client = new VcgClient(new VcgClientOptions { Address = address, Token = token, CertificatePin = certificatePin });
                return client;
            }
        }

        void OnDisable()
        {
            if (client != null)
                client.Dispose();
            client = null;
        }
    }
}
